// Films are sent one by one, a few at a time, and each says what became of it. Without this the form is a form.

import { Upload } from "./upload.js";

for (const zone of document.querySelectorAll("[data-upload]")) new Upload(zone).start();
