/// What only the running program can do for an operation: its settings, and what it finds out about its own home.
public protocol HouseKeeping: Sendable {
    /// Every setting as it counts now.
    func settingDescriptions() -> [SettingDescription]

    /// Whether a setting may be chosen.
    ///
    /// - Throws: `notFound`, `conflict` when something else decides it, `usage` for a value of another form.
    func check(setting: String, value: String) throws(OperationError)

    /// Has what was chosen take effect, as far as it can without a new start.
    func applySettings() async throws(OperationError)

    /// - Parameter isThorough: reads large databases as a whole, too.
    func survey(isThorough: Bool) async -> HomeFacts

    /// The recovery words of a home that was made at this start; nobody can be shown them twice.
    func takeFirstWords() -> String?

    /// Whether there are some that were not taken.
    var hasFirstWords: Bool { get }

    /// Works at something beside everything else, one such work of a name at a time.
    ///
    /// - Returns: false when one is under way.
    func begin(_ name: String, _ work: @escaping @Sendable (OperationContext) async throws(OperationError) -> Void)
        -> Bool

    /// Whether such a work is under way.
    func isUnderWay(_ name: String) -> Bool

    /// Set-up is finished: the node may listen where others reach it.
    func openDoors()
}

/// A setting with what a page or a command has to know to change it.
public struct SettingDescription: Codable, Sendable, Hashable {
    public let view: SettingView
    /// What a value looks like.
    public let form: String
    /// The value when nobody chooses one.
    public let standard: String
    /// Flag, environment or file decide it.
    public let isLocked: Bool
    /// A change takes effect at once; else at the next start.
    public let isLive: Bool
    /// Not to be shown.
    public let isSecret: Bool

    public init(
        view: SettingView, form: String, standard: String, isLocked: Bool, isLive: Bool, isSecret: Bool
    ) {
        self.view = view
        self.form = form
        self.standard = standard
        self.isLocked = isLocked
        self.isLive = isLive
        self.isSecret = isSecret
    }
}
