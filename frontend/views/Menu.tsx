// A button that opens a short list of what can be done.
import { useEffect, useRef, useState } from "preact/hooks";
import { useHint } from "./hints.ts";
import { Icon, type IconName } from "./icons.tsx";

export interface MenuItem {
  /** What it does, as tests know it. */
  readonly name: string;
  readonly words: string;
  readonly onChoose: () => unknown;
  readonly isDisabled?: boolean;
  /** Of items of which one is chosen: whether this one is. */
  readonly isChosen?: boolean;
}

interface MenuProps {
  label: string;
  help: string;
  /** In place of the label's words. */
  icon?: IconName;
  /** Above the items. */
  title?: string;
  /** Whether what was chosen in it is in force. */
  isOn?: boolean;
  items: readonly MenuItem[];
}

/** Escape, or a press outside, closes it. */
export function Menu({ label, help, icon, title, isOn, items }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const closeOutside = (event: Event) => {
      if (!event.composedPath().includes(menu.current as EventTarget)) setOpen(false);
    };
    document.addEventListener("pointerdown", closeOutside);
    return () => document.removeEventListener("pointerdown", closeOutside);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    menu.current?.querySelector("button")?.focus();
  };
  const takeKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    close();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what lies in it
    <div class="ctx-menu" ref={menu} onKeyDown={takeKey}>
      <button
        type="button"
        class={icon ? "ctx-tool" : "ctx-chip"}
        aria-label={icon ? label : undefined}
        aria-expanded={isOpen}
        data-on={isOn}
        onClick={() => setOpen(!isOpen)}
        {...useHint(help)}
      >
        {icon ? <Icon name={icon} /> : `${label} ▾`}
      </button>
      <div hidden={!isOpen}>
        {title && <small>{title}</small>}
        {items.map(({ name, words, onChoose, isDisabled, isChosen }) => (
          <button
            key={name}
            type="button"
            data-do={name}
            disabled={isDisabled}
            aria-pressed={isChosen}
            onClick={() => {
              close();
              onChoose();
            }}
          >
            {words}
          </button>
        ))}
      </div>
    </div>
  );
}
