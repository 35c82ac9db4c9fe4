// What anywidget imports: it imports the front end from the `_module` trait, once for each page.
//
// anywidget imports a widget's module anew for every instance, and a browser never lets a module
// go: with the front end itself, every rerun of a cell would leave it behind once more.
import type { FrontEnd, Meta, Model, Traits } from "../protocol.ts";

/** The view of ipywidgets that a listener is bound to. */
interface View {
  model?: { comm_live?: boolean };
}

interface Context {
  model: Model;
  el: HTMLElement;
}

const EMPTY: Partial<Traits> = {
  _module: "",
  _css: "",
  meta: {} as Meta,
  buffers: {},
  answer: {},
  mask: null,
};

async function load(source: string): Promise<FrontEnd> {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    const module = await import(url);
    return module.default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The front end of a version, which the first line of its text names by a digest. */
function frontEndOf(model: Model): Promise<FrontEnd> {
  const source = model.get("_module");
  const key = Symbol.for(`ctxattn_viz ${source.slice(0, source.indexOf("\n"))}`);
  const loaded = globalThis as unknown as Record<symbol, Promise<FrontEnd> | undefined>;
  loaded[key] ??= load(source);
  return loaded[key];
}

export default {
  /** JupyterLab never lets the model of a closed comm go: so that is emptied. */
  initialize({ model }: { model: Model }): void {
    model.on("destroy", () => {
      model.set(EMPTY, { silent: true });
      model.set(EMPTY, { silent: true }); // once more for the copy of what it held before
    });
  },

  async render(context: Context): Promise<() => void> {
    const { model, el } = context;
    // Whether the kernel is there, as ipywidgets say it on `el` and anywidget does not.
    model.on("comm_live_update", function (this: View | undefined) {
      el.classList.toggle("jupyter-widgets-disconnected", !this?.model?.comm_live);
    });
    const frontEnd = await frontEndOf(model);
    let cleanup = frontEnd.render(context);
    // Only with ANYWIDGET_HMR=1: the front end was built again.
    model.on("change:_module", async () => {
      cleanup();
      cleanup = () => {};
      const source = model.get("_module");
      const newFrontEnd = await frontEndOf(model);
      if (source === model.get("_module")) {
        cleanup = newFrontEnd.render(context);
      }
    });
    return () => cleanup();
  },
};
