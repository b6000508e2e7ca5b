import Digests
import Formats
import Foundation
import Testing

/// `waggle gen show --json`.
struct JobState: Decodable {
    struct Picture: Decodable {
        let index: Int
        let seed: UInt64
        let sha256: String
    }

    let id: String
    let state: String
    let price: Int
    let captured: Int
    let errorCode: String?
    let error: String?
    let pictures: [Picture]
    let previews: Int

    enum CodingKeys: String, CodingKey {
        case id, state, price, captured, error, pictures, previews
        case errorCode = "error_code"
    }
}

@Suite("Pictures by other programs that draw", .nodes, .logsOnFailure)
struct DrawingTests {
    /// A node that lets another program draw, with a model and a LoRA.
    struct Studio {
        let node: TestNode
        let program: DrawingProgram
        let checkpoint: Published

        init(_ kind: DrawingProgram.Kind, as maker: String = "me", settings: [String: String] = [:]) async throws {
            let world = try World.current
            let bytes = try Samples.checkpoint(seed: 1)
            program = try DrawingProgram(
                kind, world, checkpoint: (name: "comb", sha256: SHA256.hash(bytes).hex), lora: "honey")
            world.setEnvironment("WAGGLE_GENERATION_BACKEND", program.setting)
            for (name, value) in settings { world.setEnvironment(name, value) }
            node = try await world.node("studio")
            if maker != "me" { try await node.ok("account", "new", maker) }
            let said = [
                "--base", "SD 1.5", "--version", "1.0", "--real-person", "no", "--yes", "--json",
            ]
            let result = try await Waggle.run(
                [
                    "publish", try world.write(bytes, as: "comb.safetensors"), "--model", "@\(maker)/comb", "--type",
                    "Checkpoint", "--steps", "4", "--size", "64x64", "--home", node.home,
                ] + said)
            try #require(result.exit == 0, "\(result)")
            checkpoint = try result.json(Published.self)
        }

        func jobs() async throws -> [JobState] { try await node.json([JobState].self, "gen", "jobs") }

        func job(_ id: String) async throws -> JobState {
            try await node.json(JobState.self, "gen", "show", id)
        }
    }

    @Test(
        "each kind of program draws what was asked for, and the picture says how",
        arguments: DrawingProgram.Kind.allCases)
    func draws(_ kind: DrawingProgram.Kind) async throws {
        let studio = try await Studio(kind)
        let (node, program, world) = (studio.node, studio.program, try World.current)
        let lora = Samples.finite(try Samples.lora(mebibytes: 1, seed: 2))
        let published = try await node.run(
            "publish", world.write(lora, as: "honey.safetensors"), "--model", "@me/honey", "--version", "1.0", "--type",
            "LORA", "--base", "Other", "--real-person", "no", "--yes")
        try #require(published.exit == 0, "\(published)")
        let path = world.path("bee.png")
        try await node.ok(
            "gen", "run", "--model", "comb", "--prompt", "a bee <lora:honey:0.5>", "--negative", "wasps", "--seed",
            "18446744073709551", "--batch", "2", "--sampler", "Euler", "--out", path)
        #expect(program.orders.count == 2)
        for (index, order) in program.orders.enumerated() {
            let words = try String(
                decoding: JSONSerialization.data(withJSONObject: order, options: .sortedKeys), as: UTF8.self)
            #expect(words.contains("a bee") && words.contains("wasps") && words.contains("honey"), "\(words)")
            #expect(words.contains("\(18_446_744_073_709_551 + UInt64(index))"), "\(words)")
            #expect(words.contains("comb") || kind == .sdServer, "\(words)")
        }
        let picture = try [UInt8](Data(contentsOf: URL(filePath: path)))
        let text = try #require(PictureText.all(in: picture).first { $0.keyword == "parameters" }).text
        #expect(text.contains("a bee") && text.contains("Seed: 18446744073709551,"), "\(text)")
        #expect(text.contains(studio.checkpoint.files[0].sha256.prefix(10)), "\(text)")
        #expect(FileManager.default.fileExists(atPath: world.path("bee-1.png")))
        // From a picture.
        let before = program.orders.count
        try await node.ok(
            "gen", "run", "--model", "comb", "--prompt", "a wasp", "--init", path, "--strength", "0.5", "--out",
            world.path("wasp.png"))
        let edit = try String(
            decoding: JSONSerialization.data(withJSONObject: try #require(program.orders.last)), as: UTF8.self)
        #expect(program.orders.count == before + (kind == .a1111 ? 0 : 1))
        #expect(kind == .a1111 || edit.contains("0.5"), "\(edit)")
        #expect(kind != .comfyui || edit.contains("sent.png"), "\(edit)")
        // Made of what was drawn, with the same recipe.
        guard kind == .a1111 else { return }
        for (ending, type) in [("jpg", ImageInfo.MediaType.jpeg), ("webp", .webp)] {
            let path = world.path("bee.\(ending)")
            try await node.ok("gen", "run", "--model", "comb", "--prompt", "a bee 蜂", "--out", path)
            let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
            #expect(ImageInfo.sniff(bytes)?.mediaType == type && ImageInfo.sniff(bytes)?.width == 64)
            #expect(Recipe(texts: PictureText.all(in: bytes))?.prompt == "a bee 蜂", "\(ending)")
        }
    }

    @Test("ComfyUI draws by a workflow of somebody's own, with the values of each job where the workflow says")
    func ownWorkflow() async throws {
        let text = """
            {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "{{model}}"}},
             "2": {"class_type": "LoraLoader", "inputs": {"lora_name": "{{lora1}}", "strength_model": "{{lora1_strength}}",
                   "strength_clip": "{{lora1_strength}}", "model": ["1", 0], "clip": ["1", 1]}},
             "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "my style, {{prompt}}", "clip": ["2", 1]}},
             "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{negative}}", "clip": ["2", 1]}},
             "5": {"class_type": "EmptyLatentImage", "inputs": {"width": "{{width}}", "height": "{{height}}", "batch_size": 1}},
             "6": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}", "steps": "{{steps}}", "cfg": "{{cfg}}",
                   "sampler_name": "{{sampler}}", "scheduler": "{{scheduler}}", "denoise": 1, "model": ["2", 0],
                   "positive": ["3", 0], "negative": ["4", 0], "latent_image": ["5", 0]}},
             "7": {"class_type": "VAEDecode", "inputs": {"samples": ["6", 0], "vae": ["1", 2]}},
             "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0], "filename_prefix": "mine"}}}
            """
        let workflow = try World.current.write(Array(text.utf8), as: "mine.json")
        let library = try World.current.path("library")
        let studio = try await Studio(
            .comfyui,
            settings: [
                "WAGGLE_GENERATION_WORKFLOW": workflow, "WAGGLE_GENERATION_LIBRARY": library,
                "WAGGLE_GENERATION_GUESTS": "1",
            ])
        let (node, world) = (studio.node, try World.current)
        let path = world.path("own.png")
        try await node.ok(
            "gen", "run", "--model", "comb", "--prompt", "a {{seed}} \"bee\"", "--seed", "77", "--out", path)
        let order = try String(
            decoding: JSONSerialization.data(withJSONObject: try #require(studio.program.orders.last)), as: UTF8.self)
        #expect(order.contains(#"my style, a {{seed}} \"bee\""#), "what is typed is no place: \(order)")
        // The program finds the model where it looks for models.
        let seen = try Data(contentsOf: URL(filePath: library + "/models/checkpoints/comb.safetensors"))
        #expect(SHA256.hash([UInt8](seen)).hex == studio.checkpoint.files[0].sha256)
        let picture = try [UInt8](Data(contentsOf: URL(filePath: path)))
        let said = try #require(PictureText.all(in: picture).first { $0.keyword == "parameters" }).text
        #expect(said.contains("Seed: 77,") && said.contains("ComfyUI workflow"), "\(said)")
        let edit = try await node.run("gen", "run", "--model", "comb", "--prompt", "x", "--init", path)
        #expect(edit.exit != 0 && edit.errors.contains("{{picture}}"), "\(edit)")
        // Visitors have their part of it, and no more.
        for status in [303, 403] {
            let reply = try await HTTP.send(
                "POST", node.url + "/generate",
                ["Origin": node.url, "Content-Type": "application/x-www-form-urlencoded"],
                body: Array("model=comb&prompt=a+wasp&do=draw&format=webp".utf8))
            #expect(reply.status == status, "\(reply.text)")
        }
        // Another file of that name is nobody's model.
        try FileManager.default.removeItem(atPath: library + "/models/checkpoints/comb.safetensors")
        try Data("wax".utf8).write(to: URL(filePath: library + "/models/checkpoints/comb.safetensors"))
        let other = try await node.run("gen", "run", "--model", "comb", "--prompt", "x")
        #expect(other.exit != 0 && other.errors.contains("another file"), "\(other)")
    }

    @Test("whatever a program answers instead, the job ends with words for it", arguments: DrawingProgram.Kind.allCases)
    func answersOtherwise(_ kind: DrawingProgram.Kind) async throws {
        let studio = try await Studio(kind)
        let (node, program) = (studio.node, studio.program)
        let elsewhere = try DrawingProgram(kind, World.current, checkpoint: ("x", "x"), lora: "x")
        for (manner, code) in [
            (.nonsense, "bad_reply"), (.noise, "bad_reply"), (.otherSize, "wrong_size"), (.fails, "engine_failed"),
            (.oneColour, "flat_image"),
            (.redirects("http://127.0.0.1:\(elsewhere.port)\(kind.order)"), "engine_failed"),
        ] as [(DrawingProgram.Manner, String)] {
            program.become(manner)
            let result = try await node.run("gen", "run", "--model", "comb", "--prompt", "a bee", "--json")
            #expect(result.exit != 0, "\(manner): \(result)")
            let job = try #require(try await studio.jobs().first)
            #expect(job.state == "failed" && job.errorCode == code && job.pictures.isEmpty, "\(manner): \(job)")
        }
        #expect(elsewhere.calls("/").isEmpty, "nobody follows a program elsewhere")
        // One that says nothing is waited for until the watchdog or whoever ordered has enough.
        program.become(.silent)
        let before = program.orders.count
        let waiting = Task { try await node.run("gen", "run", "--model", "comb", "--prompt", "a bee") }
        try await program.called(kind.order, times: before + 1)
        let job = try #require(try await studio.jobs().first)
        #expect(job.state == "running")
        if kind == .a1111 { try await seesPreview(of: job, studio) }
        try await node.ok("gen", "cancel", job.id)
        _ = try await waiting.value
        #expect(try await studio.job(job.id).state == "cancelled")
        if kind == .a1111 { try await program.called("/sdapi/v1/interrupt") }
        #expect(try await studio.job(job.id).previews == 0, "what was seen of it is forgotten")
        program.become(.draws)
        try await node.ok("gen", "run", "--model", "comb", "--prompt", "a bee")
    }

    /// Whose job it is sees how far its picture is, and nobody else.
    private func seesPreview(of job: JobState, _ studio: Studio) async throws {
        try await eventually("there is something to see") { try await studio.job(job.id).previews > 0 }
        struct Token: Decodable {
            let token: String
        }
        let token = try await studio.node.json(Token.self, "token", "new", "--scope", "generate,read").token
        let path = "/api/w1/generate/jobs/\(job.id)/preview"
        let seen = try await studio.node.get(path, ["Authorization": "Bearer \(token)"])
        #expect(seen.status == 200 && seen["Content-Type"] == "image/png" && ImageInfo.sniff(seen.body)?.width == 8)
        #expect(try await studio.node.get(path).status == 401)
        #expect(try await studio.node.get("/generate/jobs/\(job.id)/preview").status == 404)
    }
}

@Suite("Pictures that are paid for", .nodes, .logsOnFailure)
struct PaidDrawingTests {
    private struct Token: Decodable {
        let token: String
    }

    private struct Quote: Decodable {
        let price: Int
        let quote: String
    }

    private struct Blocked: Decodable {
        let caseNumber: String
    }

    private struct Held: Decodable {
        let held: Int
        let issued: Int
    }

    /// A studio whose node decides in a currency. Bea made the model, Ada pays.
    private struct Shop {
        let studio: DrawingTests.Studio
        let price: Int
        let token: String
        /// Who decides in the currency.
        let bank: TestNode
        var node: TestNode { studio.node }
        var program: DrawingProgram { studio.program }

        static var order: [String: Any] { ["model": "comb", "prompt": "a bee", "seed": 7] }

        /// - Parameters:
        ///   - limit: what Ada's token may spend, in prices.
        ///   - isAbroad: whether another node decides in the currency.
        init(limit: Double = 100, isAbroad: Bool = false) async throws {
            studio = try await DrawingTests.Studio(.a1111, as: "bea", settings: ["WAGGLE_GENERATION_PRICE": "3000"])
            let node = studio.node
            try await node.ok("account", "new", "ada")
            bank = isAbroad ? try await World.current.node("bank") : node
            try await bank.ok("buzz", "found", "--name", "Honey", "--symbol", "HNY", "--no-rewards")
            if isAbroad { try await node.ok("buzz", "join", bank.url) }
            try await node.ok("buzz", "accept", "--as", "bea")
            let ada = try #require(try await node.json([BalanceState].self, "buzz", "balance", "@ada").first).account
            try await bank.ok("buzz", "grant", ada, "1000")
            let looking = try await node.json(
                Token.self, "token", "new", "--account", "ada", "--scope", "generate,read")
            let quoted = try await Self.send(node, looking.token, "POST", "generate/quote", Self.order)
            price = try JSONDecoder().decode(Quote.self, from: Data(quoted.body)).price
            try #require(price > 20)
            token = try await node.json(
                Token.self, "token", "new", "--account", "ada", "--scope", "generate,read", "--buzz-limit",
                "\(Int(Double(price) * limit))"
            ).token
        }

        static func send(
            _ node: TestNode, _ token: String, _ method: String, _ path: String, _ body: [String: Any]? = nil
        ) async throws -> HTTPReply {
            let json = try body.map { [UInt8](try JSONSerialization.data(withJSONObject: $0, options: .sortedKeys)) }
            return try await HTTP.send(
                method, node.url + "/api/w1/" + path,
                ["Authorization": "Bearer \(token)", "Content-Type": "application/json"], body: json)
        }

        /// Orders a picture with Ada's token.
        func order() async throws -> String {
            let reply = try await Self.send(node, token, "POST", "generate", Self.order)
            try #require(reply.status == 202, "\(reply.text)")
            return try JSONDecoder().decode(JobState.self, from: Data(reply.body)).id
        }

        func over(_ id: String) async throws -> JobState {
            try await eventually("the job is over") {
                let job = try await studio.job(id)
                return ["done", "failed", "cancelled"].contains(job.state) ? job : nil
            }
        }

        func balance(_ account: String) async throws -> Int {
            try #require(try await node.json([BalanceState].self, "buzz", "balance", account).first).balance
        }

        /// Nothing was made or lost, nothing is set aside, and this is what everybody has after so many paid pictures.
        func expect(paid count: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let share = price / 4
            let found = [try await balance("@ada"), try await balance("@bea"), try await balance("@me")]
            #expect(
                found == [1000 - count * price, count * share, count * (price - share)], "price \(price)",
                sourceLocation: sourceLocation)
            let ledger = try #require(try await bank.json([Held].self, "buzz", "ls").first)
            #expect(ledger.held == 0 && ledger.issued == 1000, sourceLocation: sourceLocation)
        }
    }

    @Test("a picture is paid to its maker and the node, one that failed is not, and a token spends no more than it may")
    func pays() async throws {
        let shop = try await Shop(limit: 2.5)
        let first = try await shop.over(try await shop.order())
        #expect(first.state == "done" && first.price == shop.price && first.captured == shop.price, "\(first)")
        try await shop.expect(paid: 1)
        for manner in [DrawingProgram.Manner.otherSize, .fails, .noise] {
            shop.program.become(manner)
            let job = try await shop.over(try await shop.order())
            #expect(job.state == "failed" && job.captured == 0, "\(manner): \(job)")
        }
        try await shop.expect(paid: 1)
        // What failed does not count against the limit; what was refused does not either.
        shop.program.become(.draws)
        #expect(try await shop.over(try await shop.order()).state == "done")
        for _ in 0..<3 {
            let job = try await shop.over(try await shop.order())
            #expect(job.state == "failed" && job.errorCode == "payment", "\(job)")
            #expect(job.error?.contains("may spend") == true, "\(job)")
        }
        try await shop.expect(paid: 2)
        try await shop.node.ok("buzz", "audit")
        // The operator pays nothing.
        try await shop.node.ok("gen", "run", "--model", "comb", "--prompt", "a bee")
        try await shop.expect(paid: 2)
    }

    @Test("what was quoted is paid, for exactly what was quoted; a form shows the price first")
    func quoted() async throws {
        let shop = try await Shop()
        let reply = try await Shop.send(shop.node, shop.token, "POST", "generate/quote", Shop.order)
        let quote = try JSONDecoder().decode(Quote.self, from: Data(reply.body)).quote
        let agreed = Shop.order.merging(["quote": quote]) { $1 }
        for other: [String: Any] in [["batch": 2], ["seed": 8], ["prompt": "a wasp"], ["quote": "{}"]] {
            let order = agreed.merging(other) { $1 }
            let refused = try await Shop.send(shop.node, shop.token, "POST", "generate", order)
            #expect(refused.status == 400 && refused.text.contains("quote"), "\(other): \(refused.text)")
        }
        let taken = try await Shop.send(shop.node, shop.token, "POST", "generate", agreed)
        try #require(taken.status == 202, "\(taken.text)")
        let id = try JSONDecoder().decode(JobState.self, from: Data(taken.body)).id
        #expect(try await shop.over(id).captured == shop.price)
        try await shop.expect(paid: 1)
    }

    @Test(
        "the currency may be another node's: a node that is killed while it draws finds the hold again and is paid once"
    )
    func abroad() async throws {
        let shop = try await Shop(limit: 2, isAbroad: true)
        shop.program.become(.silent)
        let id = try await shop.order()
        try await shop.program.called(shop.program.kind.order)
        await shop.node.kill()
        shop.program.become(.draws)
        try await shop.node.restart()
        #expect(try await shop.over(id).state == "done")
        try await shop.expect(paid: 1)
        shop.program.become(.fails)
        #expect(try await shop.over(try await shop.order()).captured == 0)
        try await shop.expect(paid: 1)
        await shop.bank.kill()
        let lost = try await shop.over(try await shop.order())
        #expect(
            lost.state == "failed" && lost.errorCode == "payment", "nobody waits for an authority that is gone: \(lost)"
        )
    }

    @Test("a node that is killed while it draws goes on, is paid once, and gives up with everything given back")
    func killed() async throws {
        let shop = try await Shop()
        shop.program.become(.silent)
        let id = try await shop.order()
        try await shop.program.called(shop.program.kind.order)
        await shop.node.kill()
        shop.program.become(.draws)
        try await shop.node.restart()
        let job = try await shop.over(id)
        #expect(job.state == "done" && job.captured == shop.price, "\(job)")
        try await shop.expect(paid: 1)
        // Killed under it twice: it is begun no third time.
        shop.program.become(.silent)
        let lost = try await shop.order()
        for times in [3, 4] {
            try await shop.program.called(shop.program.kind.order, times: times)
            await shop.node.kill()
            try await shop.node.restart()
        }
        let given = try await shop.over(lost)
        #expect(given.state == "failed" && given.errorCode == "crashed" && given.captured == 0, "\(given)")
        try await shop.expect(paid: 1)
        try await shop.node.ok("buzz", "audit")
    }

    @Test("jobs whose model is taken down, or taken back by its maker, end at once and cost nothing")
    func withdrawn() async throws {
        let shop = try await Shop()
        shop.program.become(.silent)
        let node = shop.node
        var blocked: String?
        for step in 1...2 {
            let (running, waiting) = (try await shop.order(), try await shop.order())
            try await shop.program.called(shop.program.kind.order, times: step)
            #expect(try await shop.studio.job(waiting).state == "queued")
            if step == 1 {
                blocked = try await node.json(
                    [Blocked].self, "mod", "block", shop.studio.checkpoint.release, "--reason", "likeness"
                ).first?.caseNumber
            } else {
                try await node.ok("rm", shop.studio.checkpoint.release, "--yes", "--as", "bea")
            }
            for id in [waiting, running] {
                let job = try await shop.over(id)
                #expect(job.state == "failed" && job.errorCode == "withdrawn", "\(step): \(job)")
            }
            try await shop.expect(paid: 0)
            if let number = blocked { try await node.ok("mod", "unblock", number) }
            blocked = nil
        }
    }

    @Test("whoever says whether a picture is good is rewarded for it once, and nobody else may say it")
    func feedback() async throws {
        let day = 86_400
        let world = try World.current
        let clock = try await TestClock(world)
        let studio = try await DrawingTests.Studio(.a1111, as: "bea")
        let node = studio.node
        for name in ["ada", "eve"] { try await node.ok("account", "new", name) }
        try await node.ok("buzz", "found", "--name", "Honey", "--symbol", "HNY")
        let noon = day / 2 - Int(Date().timeIntervalSince1970) % day
        try clock.set(day + noon)
        func token(_ account: String) async throws -> String {
            try await node.json(
                Token.self, "token", "new", "--account", account, "--scope", "generate,read,social"
            ).token
        }
        let (ada, eve) = (try await token("ada"), try await token("eve"))
        let taken = try await Shop.send(node, ada, "POST", "generate", Shop.order)
        let id = try JSONDecoder().decode(JobState.self, from: Data(taken.body)).id
        try await eventually("the picture") { try await studio.job(id).state == "done" }
        let place = "generate/jobs/\(id)/pictures/0/feedback"
        #expect(try await Shop.send(node, eve, "POST", place, ["good": false]).status == 404)
        for method in ["GET", "DELETE"] {
            #expect(try await Shop.send(node, eve, method, "generate/jobs/\(id)").status == 404, "\(method)")
        }
        for _ in 0..<2 {
            let reply = try await Shop.send(node, ada, "POST", place, ["good": true])
            #expect(reply.status == 200 && reply.text.contains(#""is_good":true"#), "\(reply.text)")
        }
        try clock.set(2 * day + noon)
        try await node.ok("buzz", "rewards", "--pay")
        let balance = try #require(try await node.json([BalanceState].self, "buzz", "balance", "@ada").first).balance
        #expect(balance == 4, "once")
    }
}
