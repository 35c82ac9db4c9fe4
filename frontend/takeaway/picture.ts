// What is on screen as a PNG.
import { download } from "./download.ts";

const PIXELS_PER_CSS_PIXEL = 2;

/** The rules of the front end's own style sheet, wherever the host has put it. */
function ownStyle(): string {
  const sheets = [...document.styleSheets].filter(({ href }) => !href);
  const rules = sheets.flatMap(({ cssRules }) => [...cssRules].map((rule) => rule.cssText));
  return rules.filter((text) => text.includes("ctx")).join("");
}

/** A copied element has what its markup says, and not what its control is set to. */
function copySettings(from: HTMLElement, to: HTMLElement): void {
  const inputs = to.querySelectorAll("input");
  from.querySelectorAll("input").forEach((input, i) => {
    inputs[i].setAttribute("value", input.value);
    inputs[i].toggleAttribute("checked", input.checked);
  });
  const choices = to.querySelectorAll("select");
  from.querySelectorAll("select").forEach((choice, i) => {
    for (const option of choices[i].options) {
      option.toggleAttribute("selected", option.index === choice.selectedIndex);
    }
  });
}

/** The debugger, drawn by the browser from a copy that carries its own style. */
export async function savePicture(root: HTMLElement, name: string): Promise<void> {
  const style = ownStyle();
  const copy = root.cloneNode(true) as HTMLElement;
  for (const variable of style.match(/--ctx-[\w-]+(?=:)/g) ?? []) {
    copy.style.setProperty(variable, getComputedStyle(root).getPropertyValue(variable));
  }
  const drawn = root.querySelectorAll("canvas");
  copy.querySelectorAll("canvas").forEach((canvas, i) => {
    canvas.style.background = `0 0 / 100% 100% url(${drawn[i].toDataURL()})`;
  });
  copySettings(root, copy);
  const sheet = document.createElement("style");
  sheet.textContent = style;
  copy.prepend(sheet);
  copy.classList.add("ctx-picture");
  root.after(copy);
  const { width, height } = copy.getBoundingClientRect();
  const xml = new XMLSerializer().serializeToString(copy);
  copy.remove();
  const image = new Image();
  const size = `width="${width}" height="${height}"`;
  const content = `<foreignObject width="100%" height="100%">${xml}</foreignObject>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${content}</svg>`;
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = PIXELS_PER_CSS_PIXEL * width;
  canvas.height = PIXELS_PER_CSS_PIXEL * height;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => {
    if (blob) download(name, blob);
  });
}
