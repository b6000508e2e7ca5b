import Administration
import FoundationEssentials

/// What choosing a setting came to.
public struct ChosenReply: Codable, Sendable {
    public let setting: SettingView
    /// It counts at once; else from the next start on.
    public let isLive: Bool
}

/// `waggle config set`, and the same on a page.
public struct ChooseSetting: AuditedOperation {
    public static let name = "config set"
    public var key: String
    /// Nil takes the choice back.
    public var value: String?

    public init(key: String, value: String?) {
        self.key = key
        self.value = value
    }

    public var auditSubject: String { key }

    /// Passwords are nobody's to read there.
    public var auditDetail: String {
        key == "generation.backend_login" ? "a new value" : value.map { "\"\($0)\"" } ?? "the default"
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ChosenReply {
        let house = try context.houseKeeping()
        if let value {
            try house.check(setting: key, value: value)
        } else if !house.settingDescriptions().contains(where: { $0.view.key == key }) {
            // Says which one was probably meant.
            try house.check(setting: key, value: "")
        }
        do {
            try await context.administration.choose(key, value, by: context.actor)
        } catch {
            throw OperationError(error)
        }
        try await house.applySettings()
        guard let now = house.settingDescriptions().first(where: { $0.view.key == key }) else {
            throw OperationError(.failed, "the setting \(key) is gone")
        }
        return ChosenReply(setting: now.view, isLive: now.isLive)
    }
}

/// Every setting with what may be done about it.
public struct DescribeSettings: Operation {
    public static let name = "config describe"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [SettingDescription] {
        try context.houseKeeping().settingDescriptions()
    }
}
