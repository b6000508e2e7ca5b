import Foundation

/// Why a replay stops.
public enum TraceError: Error, CustomStringConvertible {
    /// The line is not what a trace has.
    case unreadable(String)
    /// The two implementations disagree.
    case differs(expected: String, got: String)

    public var isDifference: Bool {
        if case .differs = self { true } else { false }
    }

    public var description: String {
        switch self {
        case .unreadable(let what): "not readable: \(what)"
        case .differs(let expected, let got): "the model has \(expected), this authority has \(got)"
        }
    }
}

/// A JSON value of a trace, with readers that say what they missed.
struct TraceValue {
    let any: Any

    init(_ any: Any) {
        self.any = any
    }

    init(line: String) throws {
        do {
            any = try JSONSerialization.jsonObject(with: Data(line.utf8), options: [.fragmentsAllowed])
        } catch {
            throw TraceError.unreadable("no JSON: \(line.prefix(80))")
        }
    }

    var isNull: Bool { any is NSNull }

    subscript(key: String) -> TraceValue {
        get throws {
            guard let object = any as? [String: Any], let value = object[key] else {
                throw TraceError.unreadable("\"\(key)\" is missing")
            }
            return TraceValue(value)
        }
    }

    subscript(index: Int) -> TraceValue {
        get throws {
            guard let array = any as? [Any], array.indices.contains(index) else {
                throw TraceError.unreadable("item \(index) is missing")
            }
            return TraceValue(array[index])
        }
    }

    func has(_ key: String) -> Bool {
        (any as? [String: Any])?[key] != nil
    }

    var array: [TraceValue] {
        get throws {
            guard let array = any as? [Any] else { throw TraceError.unreadable("no list: \(any)") }
            return array.map(TraceValue.init)
        }
    }

    var object: [String: TraceValue] {
        get throws {
            guard let object = any as? [String: Any] else { throw TraceError.unreadable("no object: \(any)") }
            return object.mapValues(TraceValue.init)
        }
    }

    var text: String {
        get throws {
            guard let text = any as? String else { throw TraceError.unreadable("no text: \(any)") }
            return text
        }
    }

    var integer: Int64 {
        get throws {
            guard let number = any as? NSNumber, let value = Int64(exactly: number) else {
                throw TraceError.unreadable("no whole number: \(any)")
            }
            return value
        }
    }

    var round: UInt32 {
        get throws {
            guard let round = UInt32(exactly: try integer) else { throw TraceError.unreadable("no round: \(any)") }
            return round
        }
    }

    /// The number's bits, to tell numbers with a fraction apart.
    var bits: UInt64 {
        get throws {
            guard let number = any as? NSNumber else { throw TraceError.unreadable("no number: \(any)") }
            return number.doubleValue.bitPattern
        }
    }
}
