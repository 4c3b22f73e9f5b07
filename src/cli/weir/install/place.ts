// Where the installed package lies, as what is put in place names it.

import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export interface Place {
  /** In whose file system files are put: "/", or the root of an image that is being built. */
  readonly root: string;
  /** Where the package that this program is of really lies. */
  readonly source: string;
  /** As programs inside that root see them. */
  readonly node: string;
  readonly packageFolder: string;
}

export function placeIn(root: string): Place {
  // Compiled, this file is dist/cli/weir/install/place.js of the package.
  const source = realpathSync(fileURLToPath(new URL("../../../..", import.meta.url)));
  return { root, source, node: seenInside(root, nodePath()), packageFolder: seenInside(root, source) };
}

/** A path in the root that installing writes to. */
export const inRoot = ({ root }: Place, path: string): string => join(root, path);

/** A package or a node that lies in the root lies elsewhere when that root is "/"; what lies outside is expected to be at the same place then. */
function seenInside(root: string, path: string): string {
  const inner = relative(root, path);
  return root === "/" || inner.startsWith("..") ? path : `/${inner}`;
}

/** The name in PATH by which this node is found, which an upgrade of node leaves where it is; else its own. */
function nodePath(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  return folders.map((folder) => join(folder, "node")).find(isThisNode) ?? process.execPath;
}

function isThisNode(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return realpathSync(path) === realpathSync(process.execPath);
  } catch {
    return false;
  }
}
