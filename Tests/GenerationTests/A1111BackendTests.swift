import Digests
import Foundation
import Synchronization
import Testing
import WaggleProtocol

@testable import Generation

@Suite("The API of A1111, as stable-diffusion.cpp's server has it")
struct A1111BackendTests {
    /// What that server answers: it knows no hashes, no progress and nothing to interrupt, and names of its own.
    private final class Program: Sendable {
        private struct State {
            var orders: [[UInt8]] = []
            var signs: [DrawSign] = []
            var looks = 0
            var drawn: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())
        var signs: [DrawSign] { state.withLock { $0.signs } }

        /// The one order that came.
        var order: [String: Any] {
            get throws {
                let orders = state.withLock { $0.orders }
                try #require(orders.count == 1)
                return try #require(try JSONSerialization.jsonObject(with: Data(orders[0])) as? [String: Any])
            }
        }

        /// A picture is drawn when somebody asked twice how far it is.
        func answer(_ method: String, _ path: String, _ body: [UInt8]?) async -> RemoteProgram.Reply {
            switch path.prefix(while: { $0 != "?" }) {
            case "/sdapi/v1/sd-models":
                let eights = String(repeating: "8", count: 64)
                return Self.json(
                    #"[{"title": "checkpoint-1-0", "model_name": "checkpoint-1-0", "hash": "8888888888", "#
                        + #""sha256": "\#(eights)", "config": null}]"#)
            case "/sdapi/v1/samplers":
                return Self.json(#"[{"name": "default"}, {"name": "euler"}, {"name": "dpm++2s_a"}]"#)
            case "/sdapi/v1/schedulers": return Self.json(#"[{"name": "default"}, {"name": "discrete"}]"#)
            case "/sdapi/v1/loras":
                return Self.json(#"[{"name": "lora-1-1", "path": "mine/lora-1-1.safetensors"}]"#)
            case "/sdapi/v1/txt2img":
                await withCheckedContinuation { drawn in
                    state.withLock { state in
                        state.orders.append(body ?? [])
                        state.drawn = drawn
                    }
                }
                return Self.json(#"{"images": ["\#(Self.picture)"], "parameters": {}, "info": ""}"#)
            default: return RemoteProgram.Reply(status: 404, body: [])
            }
        }

        func note(_ sign: DrawSign) {
            let drawn = state.withLock { state -> CheckedContinuation<Void, Never>? in
                state.signs.append(sign)
                if case .step = sign { state.looks += 1 }
                guard state.looks >= 2 else { return nil }
                defer { state.drawn = nil }
                return state.drawn
            }
            drawn?.resume()
        }

        private static func json(_ text: String) -> RemoteProgram.Reply {
            RemoteProgram.Reply(status: 200, body: Array(text.utf8))
        }

        /// A PNG file of 128 by 128.
        private static let picture = """
            iVBORw0KGgoAAAANSUhEUgAAAIAAAACAAQAAAADrRVxmAAAAGUlEQVR42mNgGAWjYBSMglEwCkbBKKAvAAAIgAABw1fMHQAAAABJRU5ErkJggg==
            """
    }

    private func draw(_ plan: GenerationPlan, _ models: ModelSet) async throws -> Program {
        let program = Program()
        let backend = A1111Backend(
            RemoteProgram(
                url: "http://here",
                send: { method, path, body, _ in await program.answer(method, path, body) },
                sleep: { _ in
                    await Task.yield()
                    try Task.checkCancellation()
                }))
        try await backend.draw(DrawOrder(job: "1", plan: plan, models: models)) { sign in program.note(sign) }
        return program
    }

    @Test("names are the program's own, LoRAs go beside the prompt, and that it answers is a sign of life")
    func draws() async throws {
        var plan = try Samples.plan(prompt: "a bee <lora:lora-1-1:1>")
        (plan.sampler, plan.scheduler, plan.clipSkip) = (.dpmpp2sAncestral, .discrete, 2)
        let program = try await draw(plan, Samples.models(1, loras: 1))
        let order = try program.order
        #expect(order["sampler_name"] as? String == "dpm++2s_a" && order["scheduler"] as? String == "discrete")
        #expect(order["clip_skip"] as? Int == 2)
        let prompt = try #require(order["prompt"] as? String)
        #expect(prompt.hasPrefix("a bee") && !prompt.contains("lora"))
        let loras = try #require(order["lora"] as? [[String: Any]])
        #expect(loras.count == 1 && loras.first?["path"] as? String == "mine/lora-1-1.safetensors")
        #expect(loras.first?["multiplier"] as? Double == 1)
        let steps = program.signs.filter { $0 == .step(JobProgress(picture: 0, step: 0, steps: 1)) }
        #expect(steps.count >= 2, "no watchdog takes it for dead")
        guard case .picture(0, _, _) = program.signs.last else {
            Issue.record("\(program.signs)")
            return
        }
    }

    @Test("what the program would not draw as the picture says is refused before it draws")
    func refuses() async throws {
        var plan = try Samples.plan()
        plan.sampler = .heun
        await #expect(throws: GenerationError.engine("http://here has no sampler Heun")) {
            try await draw(plan, Samples.models())
        }
        (plan.sampler, plan.scheduler) = (nil, .karras)
        await #expect(throws: GenerationError.engine("http://here has no scheduler Karras")) {
            try await draw(plan, Samples.models())
        }
        plan.scheduler = nil
        var models = Samples.models()
        models.vae = ModelFile(role: .vae, name: "glass", sha256: Hash32(words: (1, 2, 3, 4)), size: 1)
        let vae = await #expect(throws: GenerationError.self) { try await draw(plan, models) }
        #expect(vae?.code == "invalid_request" && vae?.message.contains("glass") == true)
        await #expect(throws: GenerationError.unknownResource("checkpoint-2-0 at http://here")) {
            try await draw(plan, Samples.models(2))
        }
        // Parameters of that server's own in a prompt: another size, more steps, any file as a LoRA.
        let hidden = try Samples.plan(prompt: #"a bee <sd_cpp_extra_args>{"width": 4096}</sd_cpp_extra_args>"#)
        let smuggled = await #expect(throws: GenerationError.self) { try await draw(hidden, Samples.models()) }
        #expect(smuggled?.code == "invalid_request")
    }
}
