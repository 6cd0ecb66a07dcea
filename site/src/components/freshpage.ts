import { useRouter } from "@tanstack/react-router";
import { type RefObject, useEffect } from "react";

/**
 * useFreshPage begins a page that one goes to at its top, and keeps the focus in it when
 * what had the focus is gone. The way back stays where one was: the router knows.
 */
export function useFreshPage(main: RefObject<HTMLElement | null>) {
  const router = useRouter();
  useEffect(() => {
    let forth = false;
    const forget = router.history.subscribe(({ action }) => {
      forth = action.type === "PUSH" || action.type === "REPLACE";
    });
    const leave = router.subscribe("onRendered", ({ pathChanged }) => {
      if (!pathChanged || !forth || !main.current) return;
      main.current.scrollTop = 0;
      if (document.activeElement === document.body) main.current.focus({ preventScroll: true });
    });
    return () => {
      forget();
      leave();
    };
  }, [router, main]);
}
