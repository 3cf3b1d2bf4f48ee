// Files from what people drop: folders are walked through. Each is { file, path }; what systems keep for themselves in
// folders, such as .DS_Store, is left out.

const inOrder = new Intl.Collator(undefined, { numeric: true });

const shown = (path) => !path.split("/").some((part) => part.startsWith("."));

export function inFolders(chosen) {
  return chosen.filter(({ path }) => shown(path)).sort((one, other) => inOrder.compare(one.path, other.path));
}

export const ofInput = (input) => [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

export async function ofDrop(transfer) {
  // The list is empty once this turn of the event is over: whatever is asynchronous comes after.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const plain = [...transfer.files].map((file) => ({ file, path: file.name }));
  if (!entries.some((entry) => entry.isDirectory)) return plain;
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return inFolders(found);
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null))); // null: gone meanwhile
    if (file) found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([]))); // at most 100 at once
    if (!some.length) return;
    for (const one of some) await walk(one, found);
  }
}
