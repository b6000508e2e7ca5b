import Foundation

/// What happens on the two nodes, command by command.
struct Script: Sendable {
    private let stage: Stage
    private var maker: DemoNode { stage.maker }
    private var mirror: DemoNode { stage.mirror }

    init(_ stage: Stage) {
        self.stage = stage
    }

    /// Publishes, mirrors and talks, and returns when the second node shows everything.
    func play() async throws {
        say("Starting two nodes: \(maker.name) publishes, \(mirror.name) mirrors")
        try await maker.serve()
        try await mirror.serve()
        try await people()
        try await mirror.run("peer", "add", maker.url)
        try await mirror.run("mirror", "add", "--all", "--budget", "2GB")

        say("Unpacking the demo model (883 MB of which nearly all is zero)")
        let checkpoint = stage.files + "/demo-sdxs.safetensors"
        try await Task.detached { [stage] in
            try SparseFile.expand(stage.model + "/demo-sdxs.safetensors.zst", to: checkpoint)
        }.value
        say("Publishing a dozen made-up models of other kinds")
        try await madeUpModels()
        say("Publishing the demo model, two LoRAs, an embedding and its decoder, with 34 pictures that they made")
        try await demoModel(checkpoint)
        say("Waiting until \(mirror.name) has all of it")
        try await arrival()
        say("Reviews, comments, reactions and collections, on both nodes")
        try await talk()
        say("Waiting until \(mirror.name) shows every recipe verified")
        try await recipes()
    }

    private func say(_ words: String) { tell("== \(words)") }

    // MARK: People

    private func people() async throws {
        try await maker.run(
            "account", "profile", "--name", "Demo Maker", "--about", "Publishes what this demonstration shows.")
        try await mirror.run("account", "profile", "--name", "Demo Visitor", "--about", "Looks around and reviews.")
        try await mirror.run("account", "new", "curator", "--name", "Demo Curator")
    }

    // MARK: Releases

    private static let openly = [
        "--licence", "CC0-1.0", "--commercial-use", "Image", "--commercial-use", "Rent", "--commercial-use", "Sell",
        "--no-credit", "--different-licence", "--real-person", "no", "--yes",
    ]
    private static let settings = ["--steps", "1", "--cfg", "1", "--size", "128x128"]

    /// Pictures of the demo model whose names hold one of these words, or none of them.
    private func pictures(with words: [String] = [], without others: [String] = []) throws -> [String] {
        let folder = stage.model + "/pictures"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter { name in
            name.hasSuffix(".png") && (words.isEmpty || words.contains { name.contains($0) })
                && !others.contains { name.contains($0) }
        }.map { folder + "/" + $0 }
    }

    private func samples(_ paths: some Sequence<String>) -> [String] {
        paths.flatMap { ["--sample", $0] }
    }

    private func text(_ name: String, _ words: String) throws -> String {
        let path = "\(stage.files)/\(name).md"
        try words.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func demoModel(_ checkpoint: String) async throws {
        let about = try text(
            "demo-sdxs",
            """
            A very small text-to-image model that a real engine loads. It draws simple cartoon pictures from a fixed list \
            of words, and exists so that anybody can try a prompt a minute after installing.

            **Words it knows**

            - things: circle, square, triangle, star, hexagon, heart, honeycomb, bee, flower, moon, house, tree
            - colours: red, green, blue, yellow, orange, purple, pink, white, black
            - places, after *on*, *in*, *at* or *over*: a colour, night, meadow, sunset, ocean
            - size and number: big, small, two, three

            Trained for **128×128, 1 step, CFG 1** and nothing else. All of it is our own work.
            """)
        let own = try pictures(without: ["sepia", "blueprint", "teal"])
        // Indexed where it lies: a copy would cost its full length on disk.
        try await maker.run(
            ["publish", checkpoint, "--in-place", "--model", "@me/demo-sdxs", "--version", "1.0", "--name"]
                + ["Waggle Demo Model", "--type", "Checkpoint", "--base", "SDXS", "--description-file", about]
                + ["--tag", "demo", "--tag", "cartoon", "--tag", "tiny"] + Self.settings + Self.openly
                + samples(own.prefix(20)))
        // One post holds twenty pictures; the same release again adds the rest.
        try await maker.run(
            ["publish", checkpoint, "--in-place", "--model", "@me/demo-sdxs", "--version", "1.0", "--base", "SDXS"]
                + Self.settings + Self.openly + samples(own.dropFirst(20)))
        let loras: [(file: String, slug: String, name: String, words: String)] = [
            ("demo-lora-sepia", "demo-sepia", "Demo LoRA: Sepia", "Turns what the demo model draws into an old photo."),
            ("demo-lora-blueprint", "demo-blueprint", "Demo LoRA: Blueprint", "Pale lines on blue."),
        ]
        for lora in loras {
            try await maker.run(
                ["publish", "\(stage.model)/\(lora.file).safetensors", "--model", "@me/\(lora.slug)"]
                    + ["--version", "1.0", "--name", lora.name, "--type", "LORA", "--base", "SDXS"]
                    + ["--made-for", "@me/demo-sdxs@1.0", "--strength", "0.25-1", "--tag", "demo", "--tag", "style"]
                    + ["--description-file", try text(lora.slug, lora.words)] + Self.settings + Self.openly
                    + samples(try pictures(with: [String(lora.slug.dropFirst(5))])))
        }
        try await maker.run(
            ["publish", "\(stage.model)/waggle-teal.safetensors", "--model", "@me/waggle-teal", "--version", "1.0"]
                + ["--name", "Demo Embedding: Waggle Teal", "--type", "TextualInversion", "--base", "SDXS"]
                + ["--made-for", "@me/demo-sdxs@1.0", "--trigger", "waggle-teal", "--tag", "demo", "--tag", "colour"]
                + ["--description-file", try text("teal", "A colour that the demo model was never shown.")]
                + Self.settings + Self.openly + samples(try pictures(with: ["teal"])))
        try await maker.run(
            ["publish", "\(stage.model)/demo-taesd.safetensors", "--model", "@me/demo-taesd", "--version", "1.0"]
                + ["--name", "Demo Decoder", "--type", "VAE", "--base", "SDXS", "--trained-from", "@me/demo-sdxs@1.0"]
                + ["--tag", "demo", "--tag", "decoder"]
                + ["--description-file", try text("taesd", "The decoder and encoder of the demo model alone.")]
                + Self.openly)
    }

    private func madeUpModels() async throws {
        for model in MadeUpModel.all {
            let (file, picture) = try model.write(into: stage.files)
            var arguments = [
                "publish", file, "--model", "@me/\(model.slug)", "--version", "1.0", "--name", model.name, "--type",
                model.type, "--base", model.base, "--level", model.level, "--sample", picture, "--licence",
                model.licence, "--real-person", "no", "--yes", "--description-file",
                try text(model.slug, model.description),
            ]
            for tag in model.tags { arguments += ["--tag", tag] }
            for trigger in model.triggers { arguments += ["--trigger", trigger] }
            if let parent = model.mergeOf { arguments += ["--merge-of", "@me/\(parent)@1.0"] }
            try await maker.run(arguments)
        }
        // A second version, so that there is something to choose and an "updated" order that differs from "newest".
        let again = MadeUpModel.all[0]
        let (file, picture) = try again.version(2).write(into: stage.files)
        try await maker.run(
            "publish", file, "--model", "@me/\(again.slug)", "--version", "2.0", "--base", again.base, "--trigger",
            again.triggers[0], "--trained-from", "@me/\(again.slug)@1.0", "--changes-file",
            try text("changes", "Thinner lines, same needle."), "--sample", picture, "--yes")
    }

    // MARK: Talk

    private func talk() async throws {
        try await mirror.run("follow", "add", try await makerID())
        let name = "@\(try await makerID())"
        try await mirror.run(
            "review", "\(name)/demo-sdxs@1.0", "--recommend", "yes", "--text",
            "Draws exactly what it says it knows, in about a second on one core.")
        try await mirror.run(
            "review", "\(name)/demo-sdxs@1.0", "--as", "curator", "--recommend", "yes", "--text",
            "A good first thing to try. Mind the settings: more than one step gives noise.")
        try await mirror.run(
            "review", "\(name)/demo-sepia@1.0", "--recommend", "yes", "--text", "Fine from 0.5 on.")
        try await mirror.run(
            "review", "\(name)/demo-blueprint@1.0", "--as", "curator", "--recommend", "no", "--text",
            "Tidy at 1.0; at 0.5 it is a muddy mix.")
        try await mirror.run("review", "\(name)/wax-lines@2.0", "--recommend", "yes", "--text", "Thinner indeed.")
        let question = try await mirror.run(
            "comment", "\(name)/demo-sdxs", "Does it know any animals besides the bee?", "--as", "curator")
        for (subject, emoji) in [
            ("demo-sdxs", "❤️"), ("demo-sdxs", "👍"), ("demo-sepia", "👍"), ("night-hive", "❤️"), ("amber-glass", "👍"),
        ] {
            try await mirror.run("react", "\(name)/\(subject)", emoji)
        }
        try await mirror.run("react", "\(name)/demo-sdxs", "❤️", "--as", "curator")
        try await mirror.run(
            "collection", "new", "starter", "--name", "Everything for a first picture", "--as", "curator",
            "--description", "The demo model with what goes with it.")
        try await mirror.run(
            ["collection", "add", "starter", "--as", "curator"]
                + ["demo-sdxs", "demo-sepia", "demo-blueprint", "waggle-teal"].map { "\(name)/\($0)" })
        try await mirror.run("collection", "new", "warm", "--name", "Warm colours")
        try await mirror.run("collection", "add", "warm", "\(name)/amber-glass", "\(name)/wax-lines")
        // The answer can be given only where the question has arrived.
        try await wait("the question reaches \(maker.name)") {
            (try? await maker.run("comment", "@me/demo-sdxs", "Only the bee.", "--reply-to", question)) != nil
        }
    }

    private struct Account: Decodable {
        let account: String
        let author: String
    }

    private func makerID() async throws -> String {
        let accounts = try await maker.json([Account].self, "account", "ls")
        guard let me = accounts.first(where: { $0.account == "me" }) else {
            throw DemoError(description: "\(maker.name) has no account @me")
        }
        return me.author
    }

    // MARK: Waiting

    private func wait(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(300)
        while try await !isSo() {
            guard ContinuousClock.now < end else { throw DemoError(description: "it took too long until \(what)") }
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    private struct Models: Decodable {
        struct Model: Decodable {
            let reference: String
            let isHere: Bool
        }
        let models: [Model]
    }

    /// Every file and picture lies on the second node too.
    private func arrival() async throws {
        let count = try await maker.json(Models.self, "ls", "--limit", "100").models.count
        try await wait("\(mirror.name) has everything") {
            try await mirror.run("mirror", "run")
            let here = try await mirror.json(Models.self, "ls", "--limit", "100").models
            return here.count == count && here.allSatisfy(\.isHere)
        }
    }

    private struct Shown: Decodable {
        struct Picture: Decodable {
            let isVerified: Bool
            let resources: [Resource]
        }
        struct Resource: Decodable {
            let name: String
            let state: String
        }
        let pictures: [Picture]
    }

    /// Every picture that names what made it names files that the second node knows, byte for byte.
    private func recipes() async throws {
        let models = try await mirror.json(Models.self, "ls", "--limit", "100").models.map(\.reference)
        try await wait("every recipe is verified on \(mirror.name)") {
            var (verified, open) = (0, 0)
            for model in models {
                for picture in try await mirror.json(Shown.self, "show", model).pictures
                where !picture.resources.isEmpty {
                    if picture.isVerified { verified += 1 } else { open += 1 }
                }
            }
            return open == 0 && verified > 0
        }
    }

    // MARK: The end

    /// Where to look, and how to check it with other people's tools.
    func end(staysUp: Bool) async throws {
        let bundle = stage.files + "/demo-sepia.waggle"
        let author = try await makerID()
        let name = "@\(author)/demo-sepia@1.0"
        try await mirror.run("export", name, "--format", "waggle", "-o", bundle)
        let file = stage.model + "/demo-lora-sepia.safetensors"
        tell(
            """

            Everything is on both nodes.
              \(maker.name)   \(maker.url)
              \(mirror.name)      \(mirror.url)
                models       \(mirror.url)/models
                pictures     \(mirror.url)/images
                collections  \(mirror.url)/collections
                search       \(mirror.url)/search?q=bee

            Check a release without any node and without a network:
              \(stage.maker.program) verify \(file) --release \(bundle)
            and with nothing but openssl:
              sh \(stage.examples)/verify/verify.sh \(file) \(bundle) \(author)

            A command on a node looks like this:
              \(mirror.line("search bee"))
            """)
        if staysUp { tell("\nCtrl-C stops both nodes and removes their files.") }
    }
}
