extension Templates {
    /// A file to check, and what came of it.
    static let verify = """
        {{>head}}
        <div class="reading">
        <div class="top"><h1>[[check-a-file]]</h1>
        <p class="by">[[who-signed-it-and-is-it]]</p></div>
        {{#isAsked}}<section class="part box" aria-labelledby="answer">
        {{#isExact}}<h2 id="answer">[[this-is-exactly-what-was-signed]]</h2>{{>matchrows}}{{/isExact}}
        {{#isAlike}}<h2 id="answer">[[the-weights-are-those-that-were]]</h2>
        <p>[[some-program-wrote-its-own-notes]]</p>{{>matchrows}}{{/isAlike}}
        {{#isUnknown}}<h2 id="answer">[[unknown-here]]</h2>
        <p>[[nobody-signed-this-file-as-far]]</p>{{/isUnknown}}
        <p><code class="line">{{hash}}</code></p></section>{{/isAsked}}
        <form class="box drop" action="/verify" method="post" enctype="multipart/form-data">
        <p class="field"><label for="file">[[file]]</label>
        <span class="by" id="file-hint">[[choose-one-or-drop-it-here]]</span>
        <input id="file" name="file" type="file" required aria-describedby="file-hint"></p>
        <p><button class="button">[[check-it]]</button></p>
        <p role="status" data-reading="[[reading]]" data-unreadable="[[the-file-cannot-be-read]]"></p>
        </form>
        <form class="part" action="/verify" method="get">
        <p class="field"><label for="sha256">[[or-its-sha-256]]</label>
        {{#trouble}}<span class="error" id="trouble" role="alert">{{.}}.</span>{{/trouble}}
        <input id="sha256" name="sha256" value="{{typed}}" required maxlength="80" autocomplete="off" spellcheck="false" \
        autocapitalize="none"{{>invalid}}></p>
        <p><button>[[look-it-up]]</button></p>
        </form>
        </div>
        {{>foot}}
        """

    /// Hashes the file in the browser: SHA-256 (FIPS 180-4) a piece at a time, because what browsers have themselves wants
    /// the whole file in memory, and is not there over plain HTTP.
    static let verifyScript = """
        "use strict";
        const primes = [];
        for (let n = 2; primes.length < 64; n++) if (primes.every(p => n % p)) primes.push(n);
        const fraction = x => (x - Math.floor(x)) * 2 ** 32 | 0;
        const K = Int32Array.from(primes, p => fraction(Math.cbrt(p)));

        class SHA256 {
          constructor() {
            this.h = Int32Array.from(primes.slice(0, 8), p => fraction(Math.sqrt(p)));
            this.w = new Int32Array(64);
            this.rest = new Uint8Array(64);
            this.used = 0;
            this.size = 0;
          }
          update(bytes) {
            this.size += bytes.length;
            let at = 0;
            if (this.used) {
              at = Math.min(64 - this.used, bytes.length);
              this.rest.set(bytes.subarray(0, at), this.used);
              this.used += at;
              if (this.used < 64) return;
              this.block(this.rest, 0);
              this.used = 0;
            }
            for (; at + 64 <= bytes.length; at += 64) this.block(bytes, at);
            this.rest.set(bytes.subarray(at));
            this.used = bytes.length - at;
          }
          block(b, at) {
            const w = this.w, h = this.h;
            for (let i = 0; i < 16; i++, at += 4) w[i] = b[at] << 24 | b[at + 1] << 16 | b[at + 2] << 8 | b[at + 3];
            for (let i = 16; i < 64; i++) {
              const x = w[i - 15], y = w[i - 2];
              w[i] = w[i - 16] + w[i - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3)
                + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10) | 0;
            }
            let a = h[0], c1 = h[1], c2 = h[2], d = h[3], e = h[4], f = h[5], g = h[6], z = h[7];
            for (let i = 0; i < 64; i++) {
              const s = z + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + w[i] | 0;
              const t = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & c1 ^ a & c2 ^ c1 & c2) | 0;
              z = g; g = f; f = e; e = d + s | 0; d = c2; c2 = c1; c1 = a; a = s + t | 0;
            }
            h[0] += a; h[1] += c1; h[2] += c2; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += z;
          }
          hex() {
            const bits = BigInt(this.size) * 8n, end = new Uint8Array((this.used < 56 ? 64 : 128) - this.used);
            end[0] = 0x80;
            new DataView(end.buffer).setBigUint64(end.length - 8, bits);
            this.update(end);
            return Array.from(this.h, v => (v >>> 0).toString(16).padStart(8, "0")).join("");
          }
        }

        const form = document.querySelector(".drop"), field = form.querySelector("[type=file]");
        const say = form.querySelector("[role=status]");

        async function check(file) {
          const head = new DataView(await file.slice(0, 9).arrayBuffer());
          const length = head.byteLength === 9 && head.getUint8(8) === 0x7b ? Number(head.getBigUint64(0, true)) : 0;
          const start = length >= 2 && length <= 1e8 ? 8 + length : Infinity;
          const whole = new SHA256(), weights = new SHA256(), reader = file.stream().getReader();
          let at = 0, told = -1;
          for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            whole.update(value);
            if (at + value.length > start) weights.update(value.subarray(Math.max(0, start - at)));
            at += value.length;
            const percent = Math.floor(at * 100 / file.size);
            if (percent >= told + 5) say.textContent = `${say.dataset.reading} ${told = percent} %`;
          }
          location.assign(`/verify?sha256=${whole.hex()}` + (weights.size ? `&autov3=${weights.hex()}` : ""));
        }

        function begin(file) {
          if (file) check(file).catch(error => { say.textContent = `${say.dataset.unreadable} ${error.message}`; });
        }

        form.addEventListener("submit", event => { event.preventDefault(); begin(field.files[0]); });
        form.addEventListener("dragover", event => event.preventDefault());
        form.addEventListener("drop", event => { event.preventDefault(); begin(event.dataTransfer.files[0]); });
        """
}
