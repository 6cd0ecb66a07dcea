import { useEffect, useRef, useState } from "react";

/**
 * useDraft is a search that stands in the URL while it is typed. send writes it there
 * at once, later after a pause in milliseconds; what changes the URL otherwise (a list,
 * a link, the way back) replaces what was typed.
 */
export function useDraft(value: string, onChange: (text: string) => void) {
  const [draft, setDraft] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const sent = useRef(value);
  if (sent.current !== value) {
    clearTimeout(timer.current);
    sent.current = value;
    setDraft(value);
  }
  useEffect(() => () => clearTimeout(timer.current), []);
  const send = (text: string) => {
    clearTimeout(timer.current);
    setDraft(text);
    sent.current = text.trim();
    onChange(text.trim());
  };
  /** type keeps text, and sends it after pause; without one not by itself. */
  const type = (text: string, pause?: number) => {
    setDraft(text);
    clearTimeout(timer.current);
    if (pause !== undefined) timer.current = setTimeout(() => send(text), pause);
  };
  return { draft, send, type };
}
