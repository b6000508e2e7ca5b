import Accounts
import Administration
import Digests
import Federation
import FoundationEssentials
import Gateway
import Moderation
public import Operations
import SystemPackage
import TOMLKit
import WaggleProtocol

/// The node's settings: flag > environment (`WAGGLE_…`) > `waggle.toml` > chosen on a page or by `waggle config set` > default.
/// No file is needed.
public struct Settings: Sendable {
    /// A setting: its name, its default and what a value looks like.
    struct Key: Sendable {
        let name: String
        let standard: String
        let form: String
        let isValid: @Sendable (String) -> Bool

        /// `federation.policy` → `WAGGLE_FEDERATION_POLICY`.
        var environmentName: String {
            "WAGGLE_" + name.uppercased().replacing(".", with: "_")
        }
    }

    static let keys: [Key] = [
        Key(name: "name", standard: "", form: "a name of at most 200 bytes") { $0.utf8.count <= 200 },
        Key(name: "rules", standard: "", form: "Markdown of at most 64 KiB, shown at /rules") {
            $0.utf8.count <= Limits.Gateway.rulesBytes
        },
        Key(name: "listen", standard: "127.0.0.1:7700", form: "ADDRESS:PORT") { ListenAddress($0) != nil },
        Key(name: "public_url", standard: "", form: "http:// or https:// and a host") {
            $0.isEmpty || $0.hasPrefix("http://") || $0.hasPrefix("https://")
        },
        Key(
            name: "proxy.trusted", standard: "127.0.0.0/8, ::1",
            form: "addresses and networks such as 10.0.0.2, fd00::/8 with commas between, or nothing for none"
        ) { TrustedProxies($0, field: "X-Forwarded-For") != nil },
        Key(
            name: "proxy.field", standard: "X-Forwarded-For",
            form: "the field in which these proxies name the visitor's address, such as X-Forwarded-For or X-Real-IP"
        ) { TrustedProxies("", field: $0) != nil },
        Key(name: "tls.certificate", standard: "", form: "a PEM file, or nothing for plain HTTP") { _ in true },
        Key(name: "tls.key", standard: "", form: "a PEM file, or nothing for plain HTTP") { _ in true },
        Key(name: "tls.authorities", standard: "", form: "a PEM file, or nothing for the system's alone") { _ in true },
        Key(name: "ceiling", standard: Level.xxx.word, form: "one of \(Level.words.joined(separator: ", "))") {
            Level(word: $0).map { $0 < .blocked } ?? false
        },
        Key(name: "storage.budget", standard: "", form: "a size such as 200GB, or nothing for no limit") {
            $0.isEmpty || ByteSize($0) != nil
        },
        Key(name: "storage.keep_free", standard: "1GB", form: "a size such as 20GB") { ByteSize($0) != nil },
        Key(
            name: "storage.strangers", standard: "256MiB",
            form: "a size such as 256MiB for the posts of all authors whom nobody here knows"
        ) { ByteSize($0) != nil },
        Key(
            name: "storage.uploads_per_peer", standard: "",
            form: "a size such as 50GB that each peer may upload a day, or nothing for none"
        ) { $0.isEmpty || ByteSize($0) != nil },
        Key(name: "rates.send", standard: "", form: Self.rateForm) { RateSchedule($0) != nil },
        Key(name: "rates.receive", standard: "", form: Self.rateForm) { RateSchedule($0) != nil },
        Key(
            name: "rates.requests", standard: "600", form: "requests to the API that one address may make a minute"
        ) { Int($0).map { (1...1_000_000).contains($0) } ?? false },
        Key(name: "dump", standard: "nightly", form: "nightly or off: a file of all public posts at /dumps") {
            ["nightly", "off"].contains($0)
        },
        Key(name: "registration.mode", standard: "closed", form: "open, application, invite or closed") {
            RegistrationMode(rawValue: $0) != nil
        },
        Key(
            name: "registration.question", standard: "", form: "what people are asked who apply, at most 500 bytes"
        ) { $0.utf8.count <= 500 },
        Key(
            name: "registration.adults", standard: "no", form: "yes, when only adults may join, or no"
        ) { ["yes", "no"].contains($0) },
        Key(name: "federation.policy", standard: "open", form: "open, approve or closed") {
            FollowPolicy(rawValue: $0) != nil
        },
        Key(name: "federation.bootstrap", standard: "", form: "a signed list of first addresses, or nothing") { _ in
            true
        },
        Key(name: "federation.bootstrap_key", standard: "", form: "the key that signs that list, 64 hexadecimal digits")
        {
            $0.isEmpty || Hex.decode($0, count: 32) != nil
        },
        Key(
            name: "generation.backend", standard: "embedded",
            form: "embedded, or a program with its URL: a1111:http://…, comfyui:http://… or sd-server:http://…"
        ) { DrawingBackend($0) != nil },
        Key(
            name: "generation.backend_login", standard: "", form: "USER:PASSWORD for that program, or nothing"
        ) { $0.isEmpty || $0.contains(":") },
        Key(
            name: "generation.library", standard: "",
            form: "the absolute path of a folder in which that program looks for models, or nothing"
        ) { $0.isEmpty || ($0.hasPrefix("/") && $0.utf8.count <= 4096) },
        Key(
            name: "generation.workflow", standard: "",
            form: "the absolute path of a workflow of your own for ComfyUI, in API format, or nothing"
        ) { $0.isEmpty || ($0.hasPrefix("/") && $0.utf8.count <= 4096) },
        Key(
            name: "generation.sandbox", standard: "on",
            form: "on, or off to run the engine without a sandbox: then a hostile model can do what you can"
        ) { ["on", "off"].contains($0) },
        Key(
            name: "generation.threads", standard: "", form: "threads that draw, or nothing for all cores but one"
        ) { $0.isEmpty || (Int($0).map { (1...256).contains($0) } ?? false) },
        Key(
            name: "generation.memory", standard: "",
            form: "a size such as 8GB for models that are loaded, or nothing for what is free"
        ) { $0.isEmpty || ByteSize($0) != nil },
        Key(
            name: "generation.price", standard: "0",
            form: "Buzz for the work of one pass of SD 1.5 at 512x512, or 0 for nothing"
        ) { Double($0).map { $0.isFinite && $0 >= 0 } ?? false },
        Key(
            name: "generation.guests", standard: "10",
            form: "jobs a day, free, for each address without an account, or 0 for none"
        ) { Int($0).map { (0...1000).contains($0) } ?? false },
        Key(
            name: "generation.currency", standard: "",
            form: "the symbol or id of a currency, or nothing for the only one"
        ) { $0.utf8.count <= 80 },
        Key(
            name: "generation.creator_share", standard: "25",
            form: "the percentage of a price that the makers of the models get"
        ) { Int($0).map { (0...100).contains($0) } ?? false },
        Key(
            name: "scan.clamd", standard: "",
            form: "where clamd listens, unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310, or nothing"
        ) { $0.isEmpty || ClamdAddress($0) != nil },
        Key(name: "scan.clamd_limit", standard: "25MB", form: "a size such as 100MB") { ByteSize($0) != nil },
        Key(name: "scan.program", standard: "", form: "the absolute path of a program, or nothing") {
            $0.isEmpty || $0.hasPrefix("/")
        },
        Key(name: "log.level", standard: "notice", form: "trace, debug, info, notice, warning or error") {
            ["trace", "debug", "info", "notice", "warning", "error"].contains($0)
        },
    ]

    private static let rateForm = """
        a rate of at least 20kB/s such as 20MB/s, nothing for no limit, or several with times, classes and "peer": \
        20MB/s; mon-fri 08:00-18:00 5MB/s; mirror 2MB/s; peer 1MB/s
        """

    private var values: [String: SettingView] = [:]

    /// - Parameter flags: settings given on the command line, by name.
    /// - Throws: `usage` naming the setting, where it stands, and what it should look like; `failed` when what was chosen on
    ///   pages cannot be read.
    public init(home: Home, flags: [String: String], environment: [String: String]) throws(OperationError) {
        let file = try Self.read(home.settings)
        for name in file.keys where !Self.keys.contains(where: { $0.name == name }) {
            let near = Self.keys.map(\.name).min { Self.distance($0, name) < Self.distance($1, name) } ?? ""
            throw OperationError(.usage, "\(home.settings): there is no setting \"\(name)\"; did you mean \"\(near)\"?")
        }
        for key in Self.keys {
            let found =
                flags[key.name].map { ($0, "flag") }
                ?? environment[key.environmentName].map { ($0, "environment \(key.environmentName)") }
                ?? file[key.name].map { ($0, "file \(home.settings)") } ?? (key.standard, Self.standardOrigin)
            guard key.isValid(found.0) else {
                throw OperationError(.usage, "\(key.name) = \"\(found.0)\" (\(found.1)): expected \(key.form)")
            }
            values[key.name] = SettingView(key: key.name, value: found.0, origin: found.1)
        }
        do throws(AdministrationError) {
            choose(try Administration.chosenSettings(path: home.db.appending("admin.db").string))
        } catch {
            throw OperationError(error)
        }
    }

    private static let standardOrigin = "default"
    private static let chosenOrigin = "chosen"

    /// Takes over what was chosen, where no flag, variable or file says something else. A choice that has no valid form any
    /// longer counts for nothing.
    mutating func choose(_ chosen: [ChosenSetting]) {
        let choices = Dictionary(chosen.map { ($0.key, $0) }) { $1 }
        for key in Self.keys where values[key.name].map({ !Self.isLocked($0) }) ?? true {
            let choice = choices[key.name].flatMap { key.isValid($0.value) ? $0 : nil }
            values[key.name] = SettingView(
                key: key.name, value: choice?.value ?? key.standard,
                origin: choice.map { "\(Self.chosenOrigin) by \($0.by)" } ?? Self.standardOrigin)
        }
        all = Self.keys.compactMap { values[$0.name] }
    }

    /// Whether flag, environment or file decide it, so that no choice does.
    private static func isLocked(_ view: SettingView) -> Bool {
        view.origin != standardOrigin && !view.origin.hasPrefix(chosenOrigin)
    }

    /// Every setting, with what a page or a command has to know to change it.
    var descriptions: [SettingDescription] {
        Self.keys.compactMap { key in
            values[key.name].map { view in
                SettingDescription(
                    view: view, form: key.form, standard: key.standard, isLocked: Self.isLocked(view),
                    isLive: Self.live.contains(key.name), isSecret: key.name == "generation.backend_login")
            }
        }
    }

    /// - Throws: `notFound`, `conflict` for one that is locked, `usage` for a value of another form.
    func check(_ name: String, _ value: String) throws(OperationError) {
        guard let key = Self.keys.first(where: { $0.name == name }), let view = values[name] else {
            let near = Self.keys.map(\.name).min { Self.distance($0, name) < Self.distance($1, name) } ?? ""
            throw OperationError(.notFound, "there is no setting \"\(name)\"; did you mean \"\(near)\"?")
        }
        guard !Self.isLocked(view) else {
            throw OperationError(.conflict, "\(name) is set by \(view.origin), which decides; change it there")
        }
        guard key.isValid(value), value.utf8.count <= Limits.Gateway.rulesBytes else {
            throw OperationError(.usage, "\(name) = \"\(value.prefix(100))\": expected \(key.form)")
        }
    }

    /// Those that take effect while the node runs; the others do at its next start.
    private static let live: Set<String> = [
        "name", "rules", "ceiling", "storage.budget", "storage.keep_free", "registration.mode", "registration.question",
        "registration.adults",
        "federation.policy", "scan.clamd", "scan.clamd_limit", "scan.program", "generation.price", "generation.guests",
        "generation.currency", "generation.creator_share",
    ]

    subscript(name: String) -> String { values[name]?.value ?? "" }

    /// Whether the engine of this home draws, and no other program.
    public var drawsItself: Bool { self["generation.backend"] == "embedded" }

    /// "trace" … "error".
    public var logLevel: String { self["log.level"] }

    /// All settings in order. Kept, as every request asks for them.
    public private(set) var all: [SettingView] = []

    /// The file's values as text, tables joined by dots.
    private static func read(_ path: FilePath) throws(OperationError) -> [String: String] {
        guard let text = try? String(contentsOf: URL(filePath: path.string), encoding: .utf8) else { return [:] }
        do {
            var values: [String: String] = [:]
            collect(try TOMLTable(string: text), prefix: "", into: &values)
            return values
        } catch {
            throw OperationError(.usage, "\(path) is no valid TOML: \(error)")
        }
    }

    private static func collect(_ table: TOMLTable, prefix: String, into values: inout [String: String]) {
        for (key, value) in table {
            if let inner = value.table {
                collect(inner, prefix: prefix + key + ".", into: &values)
            } else {
                values[prefix + key] = value.string ?? value.int.map { "\($0)" } ?? value.bool.map { "\($0)" } ?? "?"
            }
        }
    }

    /// Levenshtein distance, for "did you mean".
    private static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left), Array(right))
        var row = Array(0...b.count)
        for i in 1...max(1, a.count) where i <= a.count {
            var diagonal = row[0]
            row[0] = i
            for j in 1...max(1, b.count) where j <= b.count {
                let cost = a[i - 1] == b[j - 1] ? diagonal : min(diagonal, row[j], row[j - 1]) + 1
                (diagonal, row[j]) = (row[j], cost)
            }
        }
        return row[b.count]
    }
}

/// `127.0.0.1:7700`, `[::1]:7700`, `0.0.0.0:0` (a free port).
public struct ListenAddress: Sendable, Hashable {
    public let host: String
    public let port: Int

    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// Only this machine can reach it.
    public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
