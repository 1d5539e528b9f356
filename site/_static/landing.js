// Plays the recording of the control room on the first page; without it, or when it cannot be had, the steps stay.
const place = document.querySelector(".recording[data-recording]");
if (place) {
  try {
    const [{ play }, recording] = await Promise.all([
      import("./control.js"),
      fetch(place.dataset.recording).then((answer) => answer.json()),
    ]);
    play(place, recording);
  } catch (error) {
    place.remove();
    console.error(error);
  }
}
