// What takes away or brings: Python, a picture, a page, a photograph.
import { download } from "../takeaway/download.ts";
import { inputsOfPhotograph, readPhotograph } from "../takeaway/photograph.ts";
import { savePicture } from "../takeaway/picture.ts";
import { pythonOf } from "../takeaway/python.ts";
import { type Tools, useTools } from "./context.ts";
import { rootOf } from "./root.ts";

export interface Actions {
  readonly copyPython: () => Promise<void>;
  readonly savePicture: () => Promise<void>;
  readonly savePage: () => void;
  readonly bring: (file: File) => Promise<void>;
}

export const useActions = (): Actions => actionsOf(useTools());

export function actionsOf(tools: Tools): Actions {
  const { session, kernel } = tools;
  const report = (message: string) => {
    session.message.value = message;
  };
  const reportProblem = (error: unknown) => {
    session.problem.value = (error as Error).message;
  };
  return {
    async copyPython() {
      const text = pythonOf(session);
      const root = rootOf(tools);
      if (root) root.debuggerPython = text;
      try {
        await navigator.clipboard.writeText(text);
        report("Copied: paste it into a cell.");
      } catch {
        download("view.py", text);
        report("No clipboard: saved as view.py.");
      }
    },
    async savePicture() {
      const root = rootOf(tools);
      if (!root) return;
      try {
        await savePicture(root, `${session.stage.value}.png`);
      } catch (error) {
        reportProblem(error);
      }
    },
    savePage() {
      kernel.wishes.savePage();
    },
    async bring(file) {
      const { config, inputs } = session.run;
      try {
        const photo = await readPhotograph(file, config.rate);
        report(photo.message);
        const computeHere = () => {
          const { meta, buffers, mask } = inputsOfPhotograph(photo, inputs.meta, file.name);
          kernel.wishes.adopt(meta, buffers, mask);
        };
        if (session.alone) computeHere();
        else kernel.wishes.upload(file.name, [photo.H, photo.W, 3], photo.rgb, computeHere);
      } catch (error) {
        reportProblem(error);
      }
    },
  };
}
