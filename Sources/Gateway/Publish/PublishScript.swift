extension Templates {
    /// Brings files a piece at a time, shows how far they are, and goes on where the connection broke, also after the page was
    /// closed: whoever chooses the same file again goes on with it. Without scripts the same form sends them at once.
    static let publishScript = """
        "use strict";
        const drop = document.querySelector(".drop"), form = drop.querySelector("form");
        const field = form.querySelector("[type=file]"), button = form.querySelector("button");
        const say = drop.querySelector("[role=status]"), bar = drop.querySelector("progress");
        const piece = 4 << 20, tries = 12;
        const parts = [...document.querySelectorAll("[data-part]")];

        async function ask(path, options = {}) {
          const reply = await fetch("/api/w1/uploads" + path, { cache: "no-store", ...options });
          const told = await reply.json().catch(() => ({}));
          if (reply.ok) return told;
          const trouble = new Error(told.detail || reply.statusText);
          trouble.final = reply.status < 500 && ![408, 409, 429].includes(reply.status);
          throw trouble;
        }

        async function begin(file) {
          const part = parts.find(p => p.dataset.name === file.name && +p.dataset.size === file.size);
          if (part) return ask("/" + part.dataset.part);
          return ask("", { method: "POST", headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ name: file.name, size: file.size }) });
        }

        async function send(file) {
          let upload = await begin(file), failed = 0;
          while (upload.offset < file.size || !upload.is_complete) {
            const percent = Math.floor(upload.offset * 100 / file.size);
            bar.value = percent;
            say.textContent = `${file.name}: ${percent} % ${say.dataset.here}`;
            try {
              upload = await ask("/" + upload.id, { method: "PATCH", headers: { "Upload-Offset": upload.offset },
                body: file.slice(upload.offset, upload.offset + piece) });
              failed = 0;
            } catch (error) {
              if (error.final || ++failed > tries) throw error;
              say.textContent = `${file.name}: ${say.dataset.broke}`;
              await new Promise(done => setTimeout(done, Math.min(30000, 500 * 2 ** failed)));
              // What came before a cut stays, however much that was.
              upload = await ask("/" + upload.id).catch(() => upload);
            }
          }
          return upload.id;
        }

        async function bring(files) {
          if (!files.length) return;
          button.disabled = true;
          bar.hidden = false;
          try {
            const ids = [];
            for (const file of files) ids.push(await send(file));
            bar.value = 100;
            const body = new URLSearchParams(ids.map(id => ["upload", id]));
            const reply = await fetch(drop.dataset.attach, { method: "POST", body });
            if (!reply.ok) throw new Error(reply.statusText);
            location.assign(reply.url);
          } catch (error) {
            say.textContent = `${say.dataset.early} ${error.message}. ${say.dataset.again}`;
            button.disabled = false;
          }
        }

        form.addEventListener("submit", event => { event.preventDefault(); bring([...field.files]); });
        drop.addEventListener("dragover", event => event.preventDefault());
        drop.addEventListener("drop", event => { event.preventDefault(); bring([...event.dataTransfer.files]); });
        addEventListener("beforeunload", event => { if (button.disabled && bar.value < 100) event.preventDefault(); });
        """
}
