/// The program that draws: a few lines of Python around the binding that the engine's wheel brings. It is spoken with in
/// JSON, one object a line, and sees only the files of its jobs.
enum EngineWorker {
    static let script = #"""
        """Draws for a Waggle node: one JSON object a line on standard input, one a line on standard output."""
        import importlib.util, json, os, re, sys, types

        out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)  # what the engine prints by itself is no answer


        def say(**line):
            out.write(json.dumps(line) + "\n")


        # The part that draws, and not the package's others, which take three times as long to begin.
        package = types.ModuleType("cyllama")
        package.__path__ = list(importlib.util.find_spec("cyllama").submodule_search_locations)
        sys.modules["cyllama"] = package
        import cyllama.sd as sd

        with open(os.path.join(os.path.dirname(sd.__file__), "..", "build_config.json")) as file:
            version = json.load(file)["versions"]["stable_diffusion_cpp_version"]
        applied = {}
        context, loaded, lacking = None, None, ""


        def log(level, text):
            global lacking
            sys.stderr.write(text)
            if "failed to allocate" in text:
                lacking = text.strip()[:200]
            found = re.search(r"\((\d+) / (\d+)\) LoRA tensors.*lora_file_path = (.*)", text)
            if found:
                counts = applied.setdefault(found[3].strip(), [0, 0])
                counts[0] += int(found[1])
                counts[1] += int(found[2])


        sd.set_log_callback(log)
        samplers = {sd.sample_method_name(value): value for value in sd.SampleMethod}
        schedulers = {sd.scheduler_name(value): value for value in sd.Scheduler}


        def load(job):
            global context, loaded
            key = [job["model"], job["vae"], job["init"] is not None]
            if context is not None and loaded == key:
                return
            context = None
            params = sd.SDContextParams(model_path=job["model"])
            if job["vae"]:
                params.vae_path = job["vae"]
            params.n_threads = job["threads"]
            params.lora_apply_mode = sd.LoraApplyMode.AT_RUNTIME
            params.free_params_immediately = False
            # The system's copy of the file is what is drawn with: no second one in memory, and half a second less a gigabyte.
            params.enable_mmap = True
            params.vae_decode_only = job["init"] is None
            sd.set_progress_callback(lambda *_: say(**{"is": "loading"}))
            context = sd.SDContext(params)
            loaded = key
            say(**{"is": "loading"})


        def watch(index, path):
            """Shows how far a picture is, from the latents: next to no work."""
            def callback(step, frames, noisy):
                frames[0].save_png(path + ".part")
                os.replace(path + ".part", path + ".preview")
                say(**{"is": "preview", "image": index})
            return callback


        def draw(job):
            load(job)
            for index in range(job["batch"]):
                # LoRAs are loaded with a count of their own.
                sd.set_progress_callback(lambda step, steps, seconds: say(**(
                    {"is": "step", "image": index, "step": step, "steps": steps}
                    if steps <= job["steps"] else {"is": "loading"})))
                params = sd.SDImageGenParams(
                    prompt=job["prompt"], negative_prompt=job["negative"], width=job["width"],
                    height=job["height"], seed=job["seed"] + index, clip_skip=job["clip_skip"],
                    strength=job["strength"])
                params.batch_count = 1
                params.sample_params.sample_steps = job["steps"]
                params.sample_params.cfg_scale = job["cfg"]
                if job["sampler"]:
                    params.sample_params.sample_method = samplers[job["sampler"]]
                if job["scheduler"]:
                    params.sample_params.scheduler = schedulers[job["scheduler"]]
                params.set_loras([{"path": one["path"], "multiplier": one["weight"]} for one in job["loras"]])
                if job["init"]:
                    params.set_init_image(sd.SDImage.load(job["init"], channels=3))
                applied.clear()
                path = os.path.join(job["out"], f"{job['job']}-{index}")
                if job["previews"]:
                    sd.set_preview_callback(watch(index, path), sd.PreviewMode.PROJ, 1, True, False)
                else:
                    sd.set_preview_callback(None)
                image = context.generate_with_params(params)[0]
                image.save_ppm(path + ".ppm")
                image.save_png(path + ".png")
                counts = [applied.get(one["path"], [0, 0]) for one in job["loras"]]
                say(**{"is": "image", "index": index, "applied": counts})


        say(**{"is": "ready", "engine": "stable-diffusion.cpp " + version})
        for line in sys.stdin:
            job, lacking = json.loads(line), ""
            try:
                draw(job)
                say(**{"is": "done"})
            except Exception as error:
                context, loaded = None, None
                say(**{"is": "error", "message": f"{type(error).__name__}: {error} {lacking}".strip()[:1000]})
        """#

    /// A job for it.
    struct Order: Encodable {
        struct Adapter: Encodable {
            let path: String
            let weight: Double
        }

        let job: String
        let model: String
        let vae: String?
        let prompt: String
        let negative: String
        let width: Int
        let height: Int
        let seed: UInt64
        let clip_skip: Int
        let strength: Double
        let batch: Int
        let steps: Int
        let cfg: Double
        let sampler: String?
        let scheduler: String?
        let loras: [Adapter]
        let `init`: String?
        let threads: Int
        let previews: Bool
        let out: String

        // The worker looks every name up, so none is left out.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            func put(_ name: String, _ value: some Encodable) throws {
                try container.encode(value, forKey: Key(stringValue: name))
            }
            try put("job", job)
            try put("model", model)
            try put("vae", vae)
            try put("prompt", prompt)
            try put("negative", negative)
            try put("width", width)
            try put("height", height)
            try put("seed", seed)
            try put("clip_skip", clip_skip)
            try put("strength", strength)
            try put("batch", batch)
            try put("steps", steps)
            try put("cfg", cfg)
            try put("sampler", sampler)
            try put("scheduler", scheduler)
            try put("loras", loras)
            try put("init", self.`init`)
            try put("threads", threads)
            try put("previews", previews)
            try put("out", out)
        }

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }

    /// What it answers.
    struct Answer: Decodable {
        enum Kind: String, Decodable {
            case ready, loading, step, preview, image, done, error
        }

        let `is`: Kind
        let engine: String?
        let image: Int?
        let step: Int?
        let steps: Int?
        let index: Int?
        let applied: [[Int]]?
        /// Whether a picture is one colour, where no pixmap shows it.
        let flat: Bool?
        let message: String?
    }
}
