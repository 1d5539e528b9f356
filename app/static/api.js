// Asks the server over HTTP; what it refuses becomes its own sentence.

import { sentence } from "./words.js";

/** Fetch JSON, or throw an Error whose text is the server's own sentence and whose `status` is 0 without an answer. */
export async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store", ...options });
  } catch {
    throw Object.assign(new Error("The machine cannot be reached. Check your connection and try again."), { status: 0 });
  }
  if (answer.ok) return answer.json();
  const text = (await answer.text()).trim();
  const plain = text && !text.startsWith("<") && text.length <= 300;
  throw Object.assign(new Error(plain ? sentence(text) : `The answer was ${answer.status}. Try again.`), { status: answer.status });
}
