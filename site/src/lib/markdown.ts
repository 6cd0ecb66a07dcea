import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";

/** A node of the tree that Markdown becomes, as far as it is needed here. */
export interface MarkNode {
  type: string;
  value?: string;
  children?: MarkNode[];
}

/** Deeper or larger trees are not shown. */
const deepest = 100;
const largest = 40_000;

/** textOnly turns HTML into text and drops its comments. */
function textOnly() {
  return (tree: MarkNode) => {
    const walk = (node: MarkNode, depth: number) => {
      if (depth > deepest) throw new Error("too deep");
      node.children = node.children?.filter(
        (c) => c.type !== "html" || !/^<!--[\s\S]*-->$/.test(c.value?.trim() ?? ""),
      );
      for (const child of node.children ?? []) {
        if (child.type === "html") child.type = "text";
        walk(child, depth + 1);
      }
    };
    walk(tree, 0);
  };
}

const count = (node: MarkNode): number => (node.children ?? []).reduce((n, child) => n + count(child), 1);

/**
 * parseMarkdown makes a tree of elements of foreign text. It has no HTML of the text.
 * It throws on what is too deep or too large. It may take minutes: run it in a worker.
 */
export function parseMarkdown(text: string): MarkNode {
  const reader = unified().use(remarkParse).use(remarkGfm).use(textOnly).use(remarkRehype);
  const tree = reader.runSync(reader.parse(text)) as MarkNode;
  if (count(tree) > largest) throw new Error("too large");
  return tree;
}
