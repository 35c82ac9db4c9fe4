// What a control does, said in the status line while it is pointed at or focused.
import { useTools } from "./context.ts";

/** Properties for a control's element. */
export function useHint(text: string) {
  const { hint } = useTools().session;
  const show = () => {
    hint.value = text;
  };
  const hide = () => {
    if (hint.value === text) hint.value = "";
  };
  return { onPointerEnter: show, onPointerLeave: hide, onFocusIn: show, onFocusOut: hide };
}
