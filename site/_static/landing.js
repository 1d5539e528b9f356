// Plays the recording of the control room on the first page, once the reader comes near; without it the steps stay.
const place = document.querySelector(".recording[data-recording]");

const start = async () => {
  try {
    const [{ play }, recording] = await Promise.all([
      import("./control.js"),
      fetch(place.dataset.recording).then((answer) => answer.json()),
    ]);
    await play(place, recording);
  } catch (error) {
    console.error(error); // the list of steps is still there
  }
};

if (place) {
  const near = new IntersectionObserver(
    ([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      near.disconnect();
      start();
    },
    { rootMargin: "400px" },
  );
  near.observe(place);
}
