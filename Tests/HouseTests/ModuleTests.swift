import Foundation
import Testing

/// Who may know whom. The table is that of ARCHITECTURE.md.
@Suite("Modules")
struct ModuleTests {
    /// From the bottom up; a module imports only from rows before its own.
    private static let rows: [[String]] = [
        ["CSodium", "COpenSSL", "CZlib", "CZstd", "CWaggleSystem"], ["Digests"], ["WaggleProtocol"],
        ["Identity", "Formats", "Sandbox", "Statements"],
        ["PostLog", "BlobStore", "Backup", "Media"], ["Moderation", "Ledger", "Accounts", "Administration"],
        ["Catalog"],
        ["Federation", "Economy", "Generation"],
        ["Operations"], ["Gateway"],
        ["Node"],
        ["waggle"],
    ]

    private static func row(_ module: String) -> Int? {
        rows.firstIndex { $0.contains(module) }
    }

    @Test("every folder of Sources has its row")
    func rows() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: SourceTree.root.appending(path: "Sources").path)
        #expect(Set(folders) == Set(Self.rows.flatMap { $0 }))
    }

    @Test("a module imports only from rows below its own")
    func imports() throws {
        #expect(SourceTree.swift.count > 100, "the sources were found")
        let pattern =
            #/^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias|actor)\s+)?(\w+)/#
        for file in SourceTree.swift {
            let own = try #require(Self.row(file.module), "\(file.path)")
            for line in file.lines {
                guard let match = line.firstMatch(of: pattern), let other = Self.row(String(match.1)) else { continue }
                #expect(other < own, "\(file.path) imports \(match.1)")
            }
        }
    }

    @Test("a target of the package depends only on rows below its own, and on what it imports")
    func dependencies() throws {
        let manifest = try #require(SourceTree.file("Package.swift")).text
        let declared = manifest.matches(
            of: #/\.(?:target|executableTarget)\(\s*name: "(\w+)",([\s\S]*?)[cs]\w*Settings:/#)
        let targets = Self.rows.flatMap { $0 }.filter {
            FileManager.default.fileExists(atPath: SourceTree.root.path + "/Sources/\($0)/module.modulemap") == false
        }
        #expect(Set(declared.map { String($0.1) }) == Set(targets))
        for target in declared {
            let own = try #require(Self.row(String(target.1)))
            if target.1.hasPrefix("CWaggle") { continue }
            let code = SourceTree.swift.filter { $0.module == target.1 }.map(\.text).joined(separator: "\n")
            for name in target.2.matches(of: #/"(\w+)"/#).map(\.1) {
                let other = try #require(Self.row(String(name)), "\(target.1) names \(name)")
                #expect(other < own, "\(target.1) depends on \(name)")
                let isImported = code.contains("import \(name)\n")
                #expect(isImported, "\(target.1) depends on \(name) and never imports it")
            }
        }
    }

    @Test("signatures are verified in one place")
    func verifier() {
        let verifiers = ["crypto_sign_verify", "crypto_sign_open", "EVP_DigestVerify", "EVP_PKEY_verify", "Curve25519"]
        for file in SourceTree.swift + SourceTree.files(in: "Sources", withEnding: [".c", ".h"]) {
            if file.path == "Sources/Identity/Ed25519.swift" { continue }
            for word in verifiers {
                #expect(!file.code.contains { $0.contains(word) }, "\(file.path) has \(word)")
            }
            let modules = ["Crypto", "CryptoKit", "CryptoExtras", "_CryptoExtras"]
            #expect(
                !file.lines.contains { line in modules.contains { line.hasSuffix("import \($0)") } }, "\(file.path)")
            if file.module != "Identity" {
                #expect(!file.lines.contains { $0.hasSuffix("import CSodium") }, "\(file.path)")
            }
        }
        let manifest = SourceTree.file("Package.swift")?.text ?? ""
        #expect(!manifest.contains("swift-crypto"))
    }

    @Test("routes are registered by the table that has each say what it shows")
    func routes() {
        let calls = #/\brouter\.(?:on|get|post|put|patch|delete|head|ws)\(/#
        for file in SourceTree.swift where file.name != "RouteTable.swift" {
            #expect(!file.code.contains { $0.firstMatch(of: calls) != nil }, "\(file.path) registers a route by itself")
        }
        let walk = SourceTree.file("Tests/GatewayTests/RouteTests.swift")?.text ?? ""
        #expect(walk.contains("every route of the router declares what it shows"))
    }
}
