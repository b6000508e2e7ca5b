public import Federation
import Synchronization
public import WaggleProtocol

/// What the operator decides about this node's HTTP.
public struct GatewayConfiguration: Sendable {
    /// Address to listen on: a name or an IP address.
    public var host: String
    /// 0 takes a free port.
    public var port: Int
    /// With it the port speaks HTTPS, HTTP/2 where the client can; without it plain HTTP/1.1.
    public var tls: TLSIdentity?
    /// Where others reach this node, the one to print first. Requests of peers must be signed for one of these, or for
    /// the address that their connection arrived at.
    public var publicURLs: [PeerURL]
    /// Further origins (`https://models.example`) under which clients may address this node; links in API replies begin
    /// with the origin that the client used if it is a public URL or one of these.
    public var allowedOrigins: [PeerURL]
    /// What pages say of the node; the operator may change it while the node runs.
    public let texts: SiteTexts
    /// The name in the header of pages.
    public var nodeName: String { texts.name }
    /// What the operator asks of people here, in Markdown; empty for nothing beyond what always holds.
    public var rules: String {
        get { texts.rules }
        nonmutating set { texts.set(name: texts.name, rules: newValue) }
    }
    /// Proxies that say for whom they speak.
    public var proxies = TrustedProxies.onThisMachine
    /// `waggle/0.1.0`
    public var software: String
    /// Whoever sends this as `Authorization: Bearer` reads as the operator; nil while there is none.
    public var ownerToken: String?
    /// Connections open at a time; others wait in the kernel's queue.
    public var maximumConnections: Int
    /// An idle connection is closed after this time.
    public var idleTimeout: Duration
    /// Of them, those of one address; addresses of this machine have no limit of their own.
    public var connectionsPerAddress: Int
    /// A reader that takes nothing of an answer for so long is cut.
    public var stallTime: Duration
    /// How long a body is still taken after the answer to its request.
    public var lingerTime: Duration
    /// Time for responses under way when the node stops.
    public var shutdownTimeout: Duration
    /// Bytes of blobs that each accepted peer may upload a day; 0 for none.
    public var uploadBytesPerPeer: UInt64
    /// Requests a minute to the native API, from one address without a token.
    public var requestsPerAddress: Int
    /// Pages, and requests to the APIs of Civitai and the Hub, a minute from one address that is not of this machine.
    public var pagesPerAddress: Int

    public init(
        host: String, port: Int, tls: TLSIdentity? = nil, publicURLs: [PeerURL] = [], allowedOrigins: [PeerURL] = [],
        nodeName: String = "", texts: SiteTexts? = nil,
        software: String, ownerToken: String? = nil, maximumConnections: Int = 1024,
        connectionsPerAddress: Int = Limits.Gateway.connectionsPerAddress,
        stallTime: Duration = .seconds(Limits.Gateway.stallSeconds),
        lingerTime: Duration = .seconds(Limits.Gateway.lingerSeconds),
        idleTimeout: Duration = .seconds(60), shutdownTimeout: Duration = .seconds(10),
        uploadBytesPerPeer: UInt64 = 0, requestsPerAddress: Int = Limits.API.requestsPerAddress,
        pagesPerAddress: Int = Limits.Gateway.requestsPerAddress
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.publicURLs = publicURLs
        self.allowedOrigins = allowedOrigins
        self.texts = texts ?? SiteTexts(name: nodeName)
        self.software = software
        self.ownerToken = ownerToken
        self.maximumConnections = maximumConnections
        self.connectionsPerAddress = connectionsPerAddress
        self.stallTime = stallTime
        self.lingerTime = lingerTime
        self.idleTimeout = idleTimeout
        self.shutdownTimeout = shutdownTimeout
        self.uploadBytesPerPeer = uploadBytesPerPeer
        self.requestsPerAddress = requestsPerAddress
        self.pagesPerAddress = pagesPerAddress
    }
}

/// The operator's own words on every page, shared by whoever shows them.
public final class SiteTexts: Sendable {
    private let words: Mutex<(name: String, rules: String)>

    public init(name: String, rules: String = "") {
        words = Mutex((name, rules))
    }

    public var name: String { words.withLock { $0.name } }
    public var rules: String { words.withLock { $0.rules } }

    public func set(name: String, rules: String) {
        words.withLock { $0 = (name, rules) }
    }
}
