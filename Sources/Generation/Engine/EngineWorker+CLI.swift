extension EngineWorker {
    /// The worker of an engine that was compiled here: the same lines of JSON, and one run of `sd-cli` for each job. Nothing
    /// stays loaded between jobs.
    static let cliScript = #"""
        """Draws for a Waggle node with sd-cli: one JSON object a line on standard input, one a line on standard output."""
        import json, os, re, struct, subprocess, sys, zlib

        program = os.path.join(os.environ["WAGGLE_ENGINE"], "sd-cli")


        def say(**line):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


        def flat(path):
            """Whether a PNG file of eight bits is one colour: read as far as the first pixel that differs."""
            with open(path, "rb") as file:
                data = file.read()
            place, packed = 8, []
            while place + 8 <= len(data):
                length, kind = struct.unpack(">I4s", data[place : place + 8])
                if kind == b"IHDR":
                    width, height, _, colour = struct.unpack(">IIBB", data[place + 8 : place + 18])
                if kind == b"IDAT":
                    packed.append(data[place + 8 : place + 8 + length])
                place += 12 + length
            raw, size = zlib.decompress(b"".join(packed)), {0: 1, 2: 3, 4: 2, 6: 4}[colour]
            stride, above, first = width * size, bytearray(width * size), None
            for row in range(height):
                start = row * (stride + 1)
                kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
                for at in range(stride):
                    left = line[at - size] if at >= size else 0
                    corner = above[at - size] if at >= size else 0
                    if kind == 1:
                        line[at] = (line[at] + left) & 255
                    elif kind == 2:
                        line[at] = (line[at] + above[at]) & 255
                    elif kind == 3:
                        line[at] = (line[at] + (left + above[at]) // 2) & 255
                    elif kind == 4:
                        guess = left + above[at] - corner
                        best = min((left, above[at], corner), key=lambda value: abs(guess - value))
                        line[at] = (line[at] + best) & 255
                    if first is not None and line[at] != first[at % size]:
                        return False
                    if first is None and at == size - 1:
                        first = bytes(line[:size])
                above = line
            return True


        def command(job, pattern):
            # What is a tag is a file by now; sd-cli takes them from the prompt.
            tags = "".join(f" <lora:{one['path']}:{one['weight']:.6f}>" for one in job["loras"])
            words = [
                program, "--mmap", "-m", job["model"], "-p", job["prompt"] + tags, "-n", job["negative"], "-W", str(job["width"]),
                "-H", str(job["height"]), "-s", str(job["seed"]), "-b", str(job["batch"]), "--steps", str(job["steps"]),
                "--cfg-scale", repr(float(job["cfg"])), "--clip-skip", str(job["clip_skip"]), "-t", str(job["threads"]),
                "--lora-model-dir", "/", "--lora-apply-mode", "at_runtime", "--disable-image-metadata", "-o", pattern]
            if job["vae"]:
                words += ["--vae", job["vae"]]
            if job["sampler"]:
                words += ["--sampling-method", job["sampler"]]
            if job["scheduler"]:
                words += ["--scheduler", job["scheduler"]]
            if job["init"]:
                words += ["-i", job["init"], "--strength", repr(float(job["strength"]))]
            if job["previews"]:
                words += ["--preview", "proj", "--preview-path", pattern.replace("%d", "preview"), "--preview-interval", "1"]
            return words


        def preview(path, index, pattern):
            """Hands on what is there whole."""
            try:
                with open(path, "rb") as file:
                    data = file.read()
                if data[-8:-4] == b"IEND":
                    with open(pattern.replace("%d.png", f"{index}.part"), "wb") as file:
                        file.write(data)
                    os.replace(file.name, pattern.replace("%d.png", f"{index}.preview"))
                    say(**{"is": "preview", "image": index})
            except OSError:
                pass


        def lines(descriptor):
            """What is printed, a bar that is drawn over itself included, each part as soon as it is there."""
            rest = b""
            while data := os.read(descriptor, 65536):
                *whole, rest = re.split(rb"\r|\n|\x1b\[K", rest + data)
                rest = rest[-4000:]
                yield from (part.decode(errors="replace") for part in whole)


        def draw(job):
            pattern = os.path.join(job["out"], f"{job['job']}-%d.png")
            run = subprocess.Popen(command(job, pattern), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
            index, drawn, tail, applied, lacking = 0, False, [], {}, ""
            say(**{"is": "loading"})
            for line in lines(run.stdout.fileno()):
                # Files that are read have a bar of their own, in bytes a second.
                found = re.search(r"\| (\d+)/(\d+) - [\d.]+(s/it|it/s)", line)
                if found and int(found[2]) == job["steps"]:
                    step = int(found[1])
                    if step == 1 and drawn:
                        index = min(index + 1, job["batch"] - 1)
                    drawn = step == job["steps"]
                    say(**{"is": "step", "image": index, "step": step, "steps": job["steps"]})
                    if job["previews"]:
                        preview(pattern.replace("%d", "preview"), index, pattern)
                elif re.search(r"\| \d+/\d+ - ", line):
                    say(**{"is": "loading"})
                found = re.search(r"\((\d+) / (\d+)\) LoRA tensors.*lora_file_path = (.*)", line)
                if found:
                    counts = applied.setdefault(found[3].strip(), [0, 0])
                    counts[0] += int(found[1])
                    counts[1] += int(found[2])
                if "failed to allocate" in line:
                    lacking = f" ({line.strip()[:200]})"
                if line.strip():
                    tail = (tail + [line.strip()])[-4:]
            code = run.wait()
            if code < 0:
                os.kill(os.getpid(), -code)  # the engine's end is this one's
            if code:
                raise RuntimeError(f"sd-cli ended with code {code}: " + " / ".join(tail)[:700] + lacking)
            counts = [applied.get(one["path"], [0, 0]) for one in job["loras"]]
            for number in range(job["batch"]):
                path = pattern.replace("%d", str(number))
                say(**{"is": "image", "index": number, "applied": counts,
                       "flat": os.path.isfile(path) and flat(path)})


        say(**{"is": "ready"})
        for line in sys.stdin:
            try:
                draw(json.loads(line))
                say(**{"is": "done"})
            except Exception as error:
                say(**{"is": "error", "message": f"{type(error).__name__}: {error}"[:1000]})
        """#
}
