import Federation
import Foundation
import NIOPosix
import Testing

/// `Protocol/vectors/addresses.json`.
private struct Vectors: Decodable {
    let addresses: [[String]]
    let not_addresses: [String]
    let urls: [[String]]
    let not_urls: [[String]]

    static func load() throws -> Vectors { try vectors("addresses.json", as: Vectors.self) }
}

/// Answers each look-up with the next of its lists, and counts.
private actor ScriptedResolver: AddressResolver {
    private var answers: [[IPAddress]]
    private(set) var lookUps = 0

    init(_ answers: [[String]]) {
        self.answers = answers.map { $0.compactMap { IPAddress($0) } }
    }

    func addresses(of host: String) async throws(DialError) -> [IPAddress] {
        lookUps += 1
        guard !answers.isEmpty else { throw .unresolved(host: host, reason: "not in the script") }
        return answers.removeFirst()
    }
}

private func reason(_ error: PeerURLError) -> String {
    switch error {
    case .tooLong: "tooLong"
    case .scheme: "scheme"
    case .user: "user"
    case .host: "host"
    case .port: "port"
    case .path: "path"
    case .queryOrFragment: "queryOrFragment"
    }
}

@Suite struct AddressPolicyTests {
    @Test("each address is of its kind, and only public ones are dialled for strangers")
    func kinds() throws {
        for vector in try Vectors.load().addresses {
            let address = try #require(IPAddress(vector[0]), "\(vector[0])")
            #expect(AddressPolicy.kind(of: address).rawValue == vector[1], "\(vector[0])")
            #expect(AddressPolicy.isPublic(address) == (vector[1] == "public"), "\(vector[0])")
            #expect(IPAddress(address.description) == address, "\(vector[0])")
        }
    }

    @Test("short, octal and hexadecimal spellings and zones are no addresses")
    func notAddresses() throws {
        for text in try Vectors.load().not_addresses { #expect(IPAddress(text) == nil, "\(text)") }
    }
}

@Suite struct PeerURLTests {
    @Test("a URL has one normal form, which is its own")
    func normalForm() throws {
        for vector in try Vectors.load().urls {
            let url = try PeerURL(vector[0])
            #expect(url.description == vector[1])
            #expect(try PeerURL(vector[1]) == url)
            #expect(try JSONDecoder().decode([PeerURL].self, from: JSONEncoder().encode([url])) == [url])
        }
    }

    @Test("what is no base URL of a node is refused, and the wrong part named")
    func refused() throws {
        for vector in try Vectors.load().not_urls {
            let error = #expect(throws: PeerURLError.self, "\(vector[0])") { try PeerURL(vector[0]) }
            #expect(error.map(reason) == vector[1], "\(vector[0])")
        }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([PeerURL].self, from: Data(#"["ftp://a"]"#.utf8))
        }
    }

    @Test("the parts that a connection needs")
    func parts() throws {
        let url = try PeerURL("https://Node.Example:8443/bees/")
        #expect(url.authority == "node.example:8443")
        #expect(url.serverName == "node.example")
        #expect(url.port == 8443)
        #expect(url.appending("/w/1/node") == "https://node.example:8443/bees/w/1/node")
        let literal = try PeerURL("http://[::1]")
        #expect(literal.authority == "[::1]")
        #expect(literal.serverName == nil)
        #expect(literal.port == 80)
    }
}

@Suite struct DialTests {
    private func url() throws -> PeerURL { try PeerURL("https://node.example") }

    @Test("what the operator typed is dialled as typed and not looked up")
    func typed() async throws {
        let resolver = ScriptedResolver([])
        for text in ["https://node.example", "http://127.0.0.1:7878", "http://[fe80::1]", "http://10.0.0.1"] {
            let url = try PeerURL(text)
            #expect(try await Dial.decide(url, from: .operator, resolver: resolver) == .asTyped(url))
        }
        #expect(await resolver.lookUps == 0)
    }

    @Test("a name that answers public first and loopback later is looked up once and pinned to the public address")
    func rebinding() async throws {
        let resolver = ScriptedResolver([["8.8.8.8"], ["127.0.0.1"]])
        let dial = try await Dial.decide(url(), from: .stranger, resolver: resolver)
        #expect(dial == .pinned(try url(), addresses: [.v4(0x0808_0808)]))
        #expect(await resolver.lookUps == 1)
        await #expect(throws: DialError.notPublic(host: "node.example", .v4(0x7f00_0001), .loopback)) {
            try await Dial.decide(url(), from: .stranger, resolver: resolver)
        }
    }

    @Test("one private address among public ones is enough to refuse")
    func mixed() async throws {
        let resolver = ScriptedResolver([["8.8.8.8", "2606:4700::1111", "fd00::1"]])
        await #expect(throws: DialError.self) { try await Dial.decide(url(), from: .stranger, resolver: resolver) }
    }

    @Test("an address in the URL itself is judged without a look-up")
    func literal() async throws {
        let resolver = ScriptedResolver([])
        let good = try PeerURL("https://1.1.1.1")
        #expect(
            try await Dial.decide(good, from: .stranger, resolver: resolver)
                == .pinned(good, addresses: [.v4(0x0101_0101)]))
        for text in ["http://127.0.0.1", "http://169.254.169.254", "http://[::ffff:10.0.0.1]", "http://[::1]"] {
            await #expect(throws: DialError.self, "\(text)") {
                try await Dial.decide(PeerURL(text), from: .stranger, resolver: resolver)
            }
        }
        #expect(await resolver.lookUps == 0)
    }

    @Test("no answer, too many answers and a failed look-up are refused, each by its name")
    func failures() async throws {
        let many = (0..<65).map { "8.8.4.\($0)" }
        let resolver = ScriptedResolver([[], many])
        await #expect(throws: DialError.noAddress(host: "node.example")) {
            try await Dial.decide(url(), from: .stranger, resolver: resolver)
        }
        await #expect(throws: DialError.tooManyAddresses(host: "node.example")) {
            try await Dial.decide(url(), from: .stranger, resolver: resolver)
        }
        await #expect(throws: DialError.unresolved(host: "node.example", reason: "not in the script")) {
            try await Dial.decide(url(), from: .stranger, resolver: resolver)
        }
    }

    @Test("the system's resolver knows this machine, so a stranger cannot name it")
    func systemResolver() async throws {
        let resolver = SystemResolver()
        let addresses = try await resolver.addresses(of: "localhost")
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { AddressPolicy.kind(of: $0) == .loopback })
        await #expect(throws: DialError.self) {
            try await Dial.decide(PeerURL("http://localhost"), from: .stranger, resolver: resolver)
        }
    }
}
