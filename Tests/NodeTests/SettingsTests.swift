import Foundation
import Operations
import SystemPackage
import Testing

@testable import Node

@Suite("Settings")
struct SettingsTests {
    private func withHome(_ toml: String?, _ body: (Home) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "waggle-settings-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: path.appending(path: "run"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: path) }
        try toml?.write(to: path.appending(path: "waggle.toml"), atomically: true, encoding: .utf8)
        try body(Home(root: FilePath(path.path)))
    }

    private func value(_ settings: Settings, _ key: String) -> SettingView? {
        settings.all.first { $0.key == key }
    }

    @Test("flag beats environment beats file beats default, and each says where it is from")
    func precedence() throws {
        try withHome("ceiling = \"R\"\nname = \"from file\"\n[storage]\nkeep_free = \"5GB\"\n") { home in
            let settings = try Settings(
                home: home, flags: ["listen": "127.0.0.1:1"],
                environment: ["WAGGLE_LISTEN": "127.0.0.1:2", "WAGGLE_NAME": "from environment"])
            #expect(value(settings, "listen")?.value == "127.0.0.1:1")
            #expect(value(settings, "listen")?.origin == "flag")
            #expect(value(settings, "name")?.origin == "environment WAGGLE_NAME")
            #expect(value(settings, "ceiling")?.value == "R")
            #expect(value(settings, "storage.keep_free")?.origin.hasPrefix("file") == true)
            #expect(value(settings, "log.level")?.origin == "default")
        }
    }

    @Test("an unknown setting is refused with the one that was probably meant")
    func unknown() throws {
        try withHome("celling = \"R\"\n") { home in
            #expect {
                try Settings(home: home, flags: [:], environment: [:])
            } throws: { error in
                let error = error as? OperationError
                return error?.code == .usage && error?.message.contains("\"ceiling\"") == true
            }
        }
    }

    @Test(
        "a value of the wrong form is refused with the form",
        arguments: [("ceiling", "Blocked"), ("listen", "nowhere"), ("storage.keep_free", "much")])
    func form(key: String, value: String) throws {
        try withHome(nil) { home in
            #expect(throws: OperationError.self) {
                try Settings(home: home, flags: [key: value], environment: [:])
            }
        }
    }

    @Test("one process at a time has a home")
    func lock() throws {
        try withHome(nil) { home in
            let lock = try HomeLock(home: home)
            #expect {
                try HomeLock(home: home)
            } throws: { error in
                (error as? OperationError)?.code == .conflict
            }
            withExtendedLifetime(lock) {}
        }
    }
}
