// One file to the server, and what came of it.

const LONGEST_SILENCE = 120_000; // ms without a byte sent, or without an answer

// Resolves to { answer, status } where an answer came: `answer` is null where it is none of ours. `status` 0: none came.
export function send(address, fields, file, { progress, sent, signal }) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much is sent
    const body = new FormData();
    for (const [name, value] of fields) body.append(name, value);
    body.append("files", file, file.name);

    let silence;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => request.abort(), LONGEST_SILENCE);
    };
    const end = (result) => {
      clearTimeout(silence);
      resolve(result);
    };

    request.upload.addEventListener("progress", (event) => {
      listen();
      if (event.lengthComputable) progress(event.loaded / event.total);
    });
    request.upload.addEventListener("load", sent);
    request.addEventListener("load", () => end({ answer: ours(request), status: request.status }));
    for (const event of ["error", "abort", "timeout"]) request.addEventListener(event, () => end({ answer: null, status: 0 }));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", address);
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
    listen();
  });
}

function ours(request) {
  if (!request.getResponseHeader("Content-Type")?.startsWith("application/json")) return null;
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null;
  }
}

// Whether this person may send: { token } with what a form needs to be ours; else { signedOut }, { closed } or { lost }.
export async function mayStill(address) {
  try {
    const response = await fetch(address, { redirect: "manual", cache: "no-store" });
    if (response.type === "opaqueredirect") return { signedOut: true };
    return response.ok ? await response.json() : response.status < 500 ? { closed: true } : { lost: true };
  } catch {
    return { lost: true };
  }
}

// A file that was moved or changed since it was chosen looks to the browser like a lost connection.
export async function canBeRead(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
