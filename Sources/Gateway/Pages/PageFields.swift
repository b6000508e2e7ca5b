import Mustache

/// A value as templates see it: each field is found by its name in one step.
///
/// The engine would look a name up by reflecting on the whole value, each time again, which made up half of what a page
/// of cards cost. Here a value is reflected on once, when its first field is asked for; what is in it, when that is asked.
/// Used by one rendering alone, and not across threads.
final class PageFields: MustacheParent, CustomStringConvertible {
    private let value: Any
    private var fields: [String: Any]?
    private var seen: [String: Any] = [:]

    /// The fields of a page.
    convenience init(_ values: [String: Any]) {
        self.init(fieldsOf: values)
    }

    private init(fieldsOf value: Any) {
        self.value = value
    }

    /// What a template is to be given in place of this value; nil for an optional without one.
    static func of(_ value: Any) -> Any? {
        switch value {
        case is String, is Bool, is Int, is PageFields: value
        case let optional as any OptionalValue: optional.wrapped.flatMap { of($0) }
        case let list as any MustacheSequence: elements(list)
        case let dictionary as [String: Any]: PageFields(dictionary)
        case is any MustacheCustomRenderable, is any MustacheTransformable: value
        default: Mirror(reflecting: value).displayStyle == .struct ? PageFields(fieldsOf: value) : value
        }
    }

    private static func elements(_ list: some MustacheSequence) -> Any {
        // Texts stay what they are: the engine can sort and join those.
        list is [String] ? list : list.map { of($0) ?? $0 }
    }

    func child(named name: String) -> Any? {
        if let child = seen[name] { return child }
        guard let field = all[name], let child = Self.of(field) else { return nil }
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
}

private protocol OptionalValue {
    var wrapped: Any? { get }
}

extension Optional: OptionalValue {
    fileprivate var wrapped: Any? { map { $0 } }
}
