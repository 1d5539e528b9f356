// Plays the recording of the control room on the first page when the reader asks for it: nothing of it is loaded before.
const place = document.querySelector(".recording[data-recording]");
const button = place?.querySelector("button");

const styled = (address) =>
  new Promise((done, failed) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
    link.addEventListener("load", done);
    link.addEventListener("error", () => failed(new Error(`${address} is not there`)));
    document.head.append(link);
  });

const start = async () => {
  button.disabled = true;
  try {
    const [{ play }, recording] = await Promise.all([
      import("./control.js"),
      fetch(place.dataset.recording).then((answer) => answer.json()),
      styled(place.dataset.style),
    ]);
    place.style.minHeight = `${place.offsetHeight}px`; // what follows does not jump up
    play(place, recording).play();
    place.querySelector("button").focus({ preventScroll: true }); // the one that was pressed is gone
  } catch (error) {
    console.error(error);
    button.textContent = "The recording could not be loaded; its steps are below";
  }
};

if (button) {
  button.style.visibility = "visible"; // it has its room from the beginning
  button.addEventListener("click", start);
}
