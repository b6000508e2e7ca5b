import Mustache
import Synchronization

/// A value as templates see it: each field is found by its name in one step.
///
/// The engine would look a name up by reflecting on the whole value, each time again, which made up half of what a page
/// of cards cost. Here a value is reflected on once, when its first field is asked for; what is in it, when that is asked.
/// What pages have by the dozen says its fields itself (`PageRecord`).
/// Used by one rendering alone, and not across threads.
final class PageFields: MustacheParent, CustomStringConvertible {
    private let value: Any
    private let record: (any PageRecord)?
    private var fields: [String: Any]?
    private var seen: [String: Any] = [:]

    /// The fields of a page.
    convenience init(_ values: [String: Any]) {
        self.init(fieldsOf: values)
    }

    private init(fieldsOf value: Any, _ record: (any PageRecord)? = nil) {
        self.value = value
        self.record = record
    }

    /// What a template is to be given in place of this value; nil for an optional without one.
    static func of(_ value: Any) -> Any? {
        switch Kind.of(value) {
        case .plain: value
        case .optional: (value as? any OptionalValue)?.wrapped.flatMap { of($0) }
        case .list: (value as? any MustacheSequence).map { elements($0) }
        case .dictionary: (value as? [String: Any]).map { PageFields($0) }
        case .record: PageFields(fieldsOf: value, value as? any PageRecord)
        case .structure: PageFields(fieldsOf: value)
        }
    }

    private static func elements(_ list: some MustacheSequence) -> Any {
        // Texts stay what they are: the engine can sort and join those.
        list is [String] ? list : list.map { of($0) ?? $0 }
    }

    func child(named name: String) -> Any? {
        if let child = seen[name] { return child }
        guard let field = record.map({ $0.field(name) }) ?? all[name], let child = Self.of(field) else { return nil }
        seen[name] = child
        return child
    }

    private var all: [String: Any] {
        if let fields { return fields }
        let found =
            value as? [String: Any]
            ?? Dictionary(
                Mirror(reflecting: value).children.compactMap { child in child.label.map { ($0, child.value) } },
                uniquingKeysWith: { first, _ in first })
        fields = found
        return found
    }

    var description: String { String(describing: value) }

    /// How values of a type are given to templates. Asked of the runtime once a type: its answers cost more than the field.
    private enum Kind {
        case plain, optional, list, dictionary, record, structure

        private static let known = Mutex<[ObjectIdentifier: Kind]>([:])

        static func of(_ value: Any) -> Kind {
            let type = ObjectIdentifier(Swift.type(of: value))
            if let kind = known.withLock({ $0[type] }) { return kind }
            let kind = found(value)
            known.withLock { $0[type] = kind }
            return kind
        }

        private static func found(_ value: Any) -> Kind {
            switch value {
            // First: an optional casts to what it wraps.
            case is any OptionalValue: .optional
            case is String, is Bool, is Int, is PageFields: .plain
            case is any MustacheSequence: .list
            case is [String: Any]: .dictionary
            case is any MustacheCustomRenderable, is any MustacheTransformable: .plain
            case is any PageRecord: .record
            default: Mirror(reflecting: value).displayStyle == .struct ? .structure : .plain
            }
        }
    }
}

/// A value that finds its own fields, without reflection.
protocol PageRecord {
    /// The field that a template names; nil where there is none, or nothing in it.
    func field(_ name: String) -> Any?
}

private protocol OptionalValue {
    var wrapped: Any? { get }
}

extension Optional: OptionalValue {
    fileprivate var wrapped: Any? { map { $0 } }
}
