import AsyncHTTPClient
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
            send: { method, path, body in
                var request = HTTPClientRequest(url: url + path)
                request.method = .init(rawValue: method)
                request.headers.add(name: "Accept", value: "*/*")
                if !login.isEmpty {
                    request.headers.add(
                        name: "Authorization", value: "Basic " + Data(login.utf8).base64EncodedString())
                }
                if let body {
                    request.headers.add(name: "Content-Type", value: "application/json")
                    request.body = .bytes(ByteBuffer(bytes: body))
                }
                // A picture may take as long as a job may.
                let response = try await http.execute(
                    request, timeout: .seconds(Int64(Limits.Generation.jobSeconds)))
                let answer = try await response.body.collect(upTo: Limits.Generation.remoteReplyBytes)
                return Reply(status: Int(response.status.code), body: Array(answer.readableBytesView))
            }, sleep: { try await Task.sleep(for: .milliseconds($0)) })
    }

    /// What speaks its API.
    func backend(_ kind: Kind) -> any GenerationBackend {
        switch kind {
        case .a1111: A1111Backend(self)
        case .comfyui: ComfyBackend(self)
        case .sdServer: SDServerBackend(self)
        }
    }
}
