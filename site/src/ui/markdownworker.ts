import { parseMarkdown } from "@/lib/markdown";

// Gets a text and answers with its tree, or with nothing where there can be none.
self.onmessage = (event: MessageEvent<string>) => {
  try {
    self.postMessage(parseMarkdown(event.data));
  } catch {
    self.postMessage(undefined);
  }
};
