import AsyncHTTPClient
import Federation
import FoundationEssentials
import Generation
import NIOCore
import NIOHTTP1
import WaggleProtocol

/// `generation.backend`: who draws for this node.
enum DrawingBackend {
    case embedded
    /// A program at a base URL, which the operator named: it may be on this machine.
    case remote(RemoteProgram.Kind, url: String)

    /// `embedded`, or `a1111:http://127.0.0.1:7860`, `comfyui:…`, `sd-server:…`.
    init?(_ text: String) {
        guard text != "embedded" else {
            self = .embedded
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let kind = RemoteProgram.Kind(rawValue: String(parts[0])),
            parts[1].hasPrefix("http://") || parts[1].hasPrefix("https://"), parts[1].utf8.count <= 2048
        else { return nil }
        var url = String(parts[1])
        while url.hasSuffix("/") { url.removeLast() }
        self = .remote(kind, url: url)
    }
}

extension RemoteProgram {
    /// - Parameter login: `user:password` for HTTP's basic authentication; empty for none.
    init(url: String, login: String, http: HTTPClient) {
        self.init(
            url: url,
            send: { method, path, body, type in
                var request = HTTPClientRequest(url: url + path)
                request.method = .init(rawValue: method)
                request.headers.add(name: "Accept", value: "*/*")
                if !login.isEmpty {
                    request.headers.add(
                        name: "Authorization", value: "Basic " + Data(login.utf8).base64EncodedString())
                }
                if let body {
                    request.headers.add(name: "Content-Type", value: type)
                    request.body = .bytes(ByteBuffer(bytes: body))
                }
                // A picture may take as long as a job may.
                let response = try await http.execute(
                    request, timeout: .seconds(Int64(Limits.Generation.jobSeconds)))
                let answer = try await response.body.collect(upTo: Limits.Generation.remoteReplyBytes)
                return Reply(status: Int(response.status.code), body: Array(answer.readableBytesView))
            }, reason: PeerError.reason, sleep: { try await Task.sleep(for: .milliseconds($0)) })
    }

    /// What speaks its API.
    ///
    /// - Parameter workflow: `generation.workflow`: the path of a graph for ComfyUI; empty for none.
    func backend(_ kind: Kind, workflow: String) throws(GenerationError) -> any GenerationBackend {
        switch kind {
        case .a1111: return A1111Backend(self)
        case .comfyui:
            guard !workflow.isEmpty else { return ComfyBackend(self) }
            guard let file = FileManager.default.contents(atPath: workflow) else {
                throw .badField(field: "generation.workflow", value: workflow, expected: "a file that can be read")
            }
            return ComfyBackend(self, workflow: try ComfyWorkflow([UInt8](file)))
        case .sdServer: return SDServerBackend(self)
        }
    }
}
