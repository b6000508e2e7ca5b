extension Templates {
    /// What scripts add to every page; without them each page does the same with links and forms. Copy buttons, keys (which can be
    /// turned off, WCAG 2.2 2.1.4), lists that go on by themselves where somebody chose that, files dropped on a form with how far
    /// they are, and a question before what was typed is left behind.
    ///
    /// In a block of its own, because scripts of single pages stand beside it. Words are those of the catalog.
    static let pageScript = """
        "use strict";
        {
          const main = document.querySelector("main"), all = (what, place = main) => [...place.querySelectorAll(what)];
          const make = (tag, text = "", values = {}) => Object.assign(document.createElement(tag), { textContent: text }, values);
          const kept = (name, value) => {
            try {
              if (value !== undefined) localStorage.setItem(name, value);
              return localStorage.getItem(name);
            } catch { return null; }
          };
          const teller = make("p", "", { className: "unseen" });
          teller.setAttribute("role", "status");
          main.append(teller);
          const tell = text => { teller.textContent = text; };

          // Copy. Nothing moves for it: lines get a button on their upper edge, hashes and words are buttons themselves.
          async function copy(node) {
            try {
              await navigator.clipboard.writeText(node.textContent.trim());
            } catch {
              // Plain HTTP has no clipboard of its own.
              getSelection().selectAllChildren(node);
              if (!document.execCommand("copy")) return false;
            }
            tell("[[copied]]");
            return true;
          }
          for (const node of all("p > code.line")) {
            const button = make("button", "[[copy]]", { type: "button", className: "quiet" });
            button.setAttribute("aria-label", `[[copy]] ${node.textContent.trim().slice(0, 40)}`);
            node.parentNode.style.position = "relative";
            Object.assign(button.style, { position: "absolute", top: "-14px", insetInlineEnd: "8px", minHeight: "26px",
              fontSize: ".75rem" });
            button.addEventListener("click", async () => {
              if (!await copy(node)) return;
              button.textContent = "[[copied]]";
              setTimeout(() => { button.textContent = "[[copy]]"; }, 2000);
            });
            node.after(button);
          }
          for (const node of all("[data-copy]")) {
            Object.assign(node, { tabIndex: 0, role: "button", title: "[[copy]]" });
            node.setAttribute("aria-label", `[[copy]] ${node.textContent.trim()}`);
            node.style.cursor = "copy";
            node.addEventListener("click", () => copy(node));
            node.addEventListener("keydown", event => {
              if (event.key === "Enter" || event.key === " ") { event.preventDefault(); copy(node); }
            });
          }

          // Keys. What has an accesskey answers to that key alone, too.
          const areOn = () => kept("keys") !== "off";
          const stops = () => all(".feed > li, .rows > li, tbody tr");
          const first = item => item.querySelector("a, button, summary, input");
          function step(by) {
            const items = stops().filter(first), here = items.findIndex(item => item.contains(document.activeElement));
            const next = items[here < 0 ? (by > 0 ? 0 : items.length - 1) : here + by];
            if (next) { first(next).focus(); next.scrollIntoView({ block: "nearest" }); }
          }
          const keys = {
            "/": ["[[search]]", () => document.getElementById("search").focus()],
            j: ["[[key-next]]", () => step(1)],
            k: ["[[key-before]]", () => step(-1)],
            n: ["[[key-next-page]]", () => main.querySelector("a[rel=next]")?.click()],
            c: ["[[key-write]]", () => main.querySelector("textarea")?.focus()],
            "?": ["[[keys]]", () => show()],
          };
          let dialog;
          function show() {
            dialog?.remove();
            dialog = make("dialog", "", { className: "box" });
            dialog.append(make("h2", "[[keys]]"));
            const list = make("dl");
            const places = all("[accesskey]").map(e => [e.accessKey, [e.textContent.trim()]]);
            for (const [key, [words]] of [...Object.entries(keys).filter(([key]) => !places.some(p => p[0] === key)), ...places]) {
              const line = make("div"), name = make("dt");
              name.append(make("code", key));
              line.append(name, make("dd", words));
              list.append(line);
            }
            const turn = make("button", areOn() ? "[[keys-off]]" : "[[keys-on]]", { type: "button", className: "quiet button" });
            turn.addEventListener("click", () => { kept("keys", areOn() ? "off" : "on"); dialog.close(); });
            const close = make("button", "[[close]]", { type: "button", className: "button" });
            close.addEventListener("click", () => dialog.close());
            const row = make("p", "", { className: "row" });
            row.append(close, turn);
            dialog.append(list, row);
            document.body.append(dialog);
            dialog.showModal();
          }
          addEventListener("keydown", event => {
            const there = event.target;
            if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || dialog?.open || !areOn()
              || there.isContentEditable || /^(TEXTAREA|SELECT)$/.test(there.tagName) || there.dataset?.copy !== undefined && event.key.length > 1
              || there.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(there.type)) return;
            const named = all("[accesskey]").find(e => e.accessKey === event.key);
            if (named) named.click(); else if (Object.hasOwn(keys, event.key)) keys[event.key][1](); else return;
            event.preventDefault();
          });
          // Where they are explained they are turned off, and on again: beside the heading, so that nothing moves.
          for (const place of all("[data-keys]")) {
            const menu = make("button", "[[keys]]", { type: "button" });
            menu.addEventListener("click", show);
            place.style.position = "relative";
            Object.assign(menu.style, { position: "absolute", top: "-2.25rem", insetInlineEnd: "0", minHeight: "1.75rem" });
            place.append(menu);
          }

          // Lists that go on by themselves.
          const pager = main.querySelector(".more"), most = 20;
          let list = pager && all(".feed, .rows").filter(e => e.compareDocumentPosition(pager) & 4).pop();
          if (list && pager.querySelector("[rel=next]")) {
            const box = make("input", "", { type: "checkbox", id: "goes-on", checked: kept("goes-on") === "yes" });
            const choice = make("span", "", { className: "choice" });
            choice.append(box, make("label", "[[goes-on]]", { htmlFor: "goes-on" }));
            pager.append(choice);
            let isBusy = false, pages = 0;
            const more = async () => {
              const link = pager.querySelector("[rel=next]");
              if (!box.checked || isBusy || !link || pages >= most) return;
              isBusy = true;
              try {
                const reply = await fetch(link.href);
                if (!reply.ok) return;
                const page = new DOMParser().parseFromString(await reply.text(), "text/html");
                const found = all(`.${list.classList[0]}`, page).pop();
                const items = [...(found?.children ?? [])];
                list.append(...items.map(item => document.importNode(item, true)));
                const after = page.querySelector(".more [rel=next]");
                if (after) link.href = after.getAttribute("href"); else { link.remove(); choice.remove(); }
                pages++;
                tell(`${items.length} [[more-are-here]]`);
              } catch { /* The link is there for another try. */ } finally { isBusy = false; }
              if (pager.getBoundingClientRect().top < innerHeight * 2) more();
            };
            new IntersectionObserver(at => at.some(one => one.isIntersecting) && more(), { rootMargin: "100% 0px" })
              .observe(pager);
            box.addEventListener("change", () => { kept("goes-on", box.checked ? "yes" : "no"); more(); });
          }

          // Forms with files.
          for (const form of all("form[enctype]")) {
            const field = form.querySelector("[type=file]");
            if (!field || form.closest(".drop")) continue;
            form.addEventListener("dragover", event => event.preventDefault());
            form.addEventListener("drop", event => {
              event.preventDefault();
              if (event.dataTransfer.files.length) field.files = event.dataTransfer.files;
            });
            form.addEventListener("submit", event => {
              if (!field.files.length) return;
              event.preventDefault();
              const bar = make("progress", "", { max: 100, value: 0 }), request = new XMLHttpRequest();
              bar.setAttribute("aria-label", "[[how-much-is-sent]]");
              form.append(bar);
              const buttons = all("button", form);
              const again = () => { bar.remove(); buttons.forEach(b => { b.disabled = false; }); };
              buttons.forEach(b => { b.disabled = true; });
              request.upload.addEventListener("progress", e => { if (e.total) bar.value = e.loaded * 100 / e.total; });
              request.addEventListener("error", () => { again(); tell("[[the-connection-broke-send-it]]"); });
              request.addEventListener("load", () => {
                isSending = true;
                if (request.status < 300 && request.responseURL !== form.action) return location.assign(request.responseURL);
                // Refused: the page says why, with what was typed.
                const page = new DOMParser().parseFromString(request.responseText, "text/html");
                again();
                const next = page.querySelector("main form[enctype]"), all = page.querySelector("main").childNodes;
                if (next) form.replaceWith(document.importNode(next, true));
                else main.replaceChildren(...[...all].map(node => document.importNode(node, true)));
                main.querySelector("[role=alert]")?.scrollIntoView({ block: "center" });
              });
              request.open("POST", form.action);
              request.send(new FormData(form));
            });
          }

          // What was typed is not left behind unasked.
          let isSending = false;
          addEventListener("submit", () => { isSending = true; });
          addEventListener("beforeunload", event => {
            if (!isSending && all("textarea").some(e => e.value !== e.defaultValue)) event.preventDefault();
          });
          addEventListener("pageshow", () => { isSending = false; });
        }
        """
}
