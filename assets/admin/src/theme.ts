// Light or dark: the system's wish, unless the user says otherwise.
import { remember, remembered, Store } from "./store";

export type Choice = "auto" | "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");
export const choice = new Store<Choice>(remembered("theme", "auto") as Choice);
export const theme = new Store<"light" | "dark">("light");

function apply() {
  const wanted = choice.get();
  const shown = wanted === "auto" ? (system.matches ? "dark" : "light") : wanted;
  document.documentElement.dataset.theme = shown;
  theme.set(shown);
}

export function choose(wanted: Choice) {
  remember("theme", wanted);
  choice.set(wanted);
  apply();
}

system.addEventListener("change", apply);
apply();
