import WaggleProtocol

/// Why bytes are no charter or order.
public struct MalformedMessage: Error, Equatable, Sendable {
    public let what: String

    static let badSignature = MalformedMessage(what: "a signature has a key of 32 bytes and 64 bytes of its own")
    static let badAuthoritySignature = MalformedMessage(
        what: "an authority's signature has a place in the charter and 64 bytes")
}

/// What the one accepted encoding of a message looks like.
///
/// Charters and orders are named by the hash of their bytes, so each may be written in one way only: fields in ascending
/// order, singular fields once and never with their default value, numbers in their shortest form, nothing unknown.
/// This is checked on the raw bytes before anything parses them; nothing is ever encoded again.
struct MessageShape: Sendable {
    indirect enum Value: Sendable {
        /// A number up to a bound.
        case number(UInt64)
        /// Bytes, of a length in a range.
        case bytes(ClosedRange<Int>)
        case message(MessageShape)
    }

    struct Field: Sendable {
        let value: Value
        /// How often the field may stand; 1 for a singular one.
        let times: Int
        /// Of fields with the same choice one may be there.
        let choice: Int
    }

    /// By their numbers.
    private let fields: [Field?]

    init(_ fields: [UInt64: Field]) {
        var all = [Field?](repeating: nil, count: Int(fields.keys.max() ?? 0) + 1)
        for (number, field) in fields { all[Int(number)] = field }
        self.fields = all
    }

    func check(_ bytes: ArraySlice<UInt8>) throws(MalformedMessage) {
        do {
            var reader = WireReader(bytes)
            try check(&reader)
        } catch {
            throw MalformedMessage(what: error.what)
        }
    }

    func isMet(by bytes: ArraySlice<UInt8>) -> Bool {
        do throws(MalformedMessage) {
            try check(bytes)
            return true
        } catch {
            return false
        }
    }

    private func check(_ reader: inout WireReader) throws(WireReader.Failure) {
        var last: UInt64 = 0
        var times = 0
        var choices: UInt64 = 0
        while !reader.isAtEnd {
            let (number, wireType) = try reader.tag()
            guard number < UInt64(fields.count), let field = fields[Int(number)] else {
                throw .init(what: "field \(number) is not known")
            }
            guard number >= last else { throw .init(what: "field \(number) comes after field \(last)") }
            times = number == last ? times + 1 : 1
            last = number
            guard times <= field.times else { throw .init(what: "field \(number) is given \(times) times") }
            if field.choice > 0, times == 1 {
                guard choices & 1 << field.choice == 0 else { throw .init(what: "two of a choice are given") }
                choices |= 1 << field.choice
            }
            switch field.value {
            case .number(let maximum):
                guard wireType == 0 else { throw .init(what: "field \(number) has wire type \(wireType)") }
                let value = try reader.number()
                guard value > 0 else { throw .init(what: "field \(number) is written though it is zero") }
                guard value <= maximum else { throw .init(what: "field \(number) is too large") }
            case .bytes(let range):
                guard wireType == 2 else { throw .init(what: "field \(number) has wire type \(wireType)") }
                let bytes = try reader.field()
                guard range.contains(bytes.count) else {
                    throw .init(what: "field \(number) has \(bytes.count) bytes")
                }
            case .message(let shape):
                guard wireType == 2 else { throw .init(what: "field \(number) has wire type \(wireType)") }
                var inner = WireReader(try reader.field())
                try shape.check(&inner)
            }
        }
    }
}

extension MessageShape.Field {
    static func number(_ maximum: UInt64 = .max) -> Self { Self(value: .number(maximum), times: 1, choice: 0) }
    static let name = Self(value: .bytes(32...32), times: 1, choice: 0)
    static let text = Self(value: .bytes(1...Limits.Ledger.textBytes), times: 1, choice: 0)
    static func names(_ times: Int) -> Self { Self(value: .bytes(32...32), times: times, choice: 0) }
    static func messages(_ fields: [UInt64: Self], _ times: Int) -> Self {
        Self(value: .message(MessageShape(fields)), times: times, choice: 0)
    }
    static func choice(_ number: Int, _ fields: [UInt64: Self]) -> Self {
        Self(value: .message(MessageShape(fields)), times: 1, choice: number)
    }
}

extension MessageShape {
    static let order: MessageShape = {
        let amount = Field.number(UInt64(Int64.max))
        let outputs = Field.messages([1: .name, 2: amount], Limits.Ledger.outputs)
        return MessageShape([
            1: .name,
            2: .choice(1, [1: .name, 2: .number()]),
            3: Field(value: .bytes(32...32), times: 1, choice: 1),
            4: .choice(2, [1: outputs]),
            5: .choice(2, [1: .number(), 2: outputs]),
            6: .choice(2, [1: amount]),
            7: .choice(2, [1: amount, 2: .name, 3: .names(Limits.Ledger.outputs), 4: .number()]),
            8: .choice(2, [1: .name]),
            9: .choice(2, [1: .name, 2: .number()]),
            10: .choice(2, [1: .name, 2: amount]),
            11: .choice(2, [1: outputs]),
            12: .choice(2, [:]),
            13: .choice(2, [:]),
            15: .name,
        ])
    }()

    static let charter: MessageShape = {
        let epochs = Field.number(UInt64(Limits.Ledger.epochs))
        let reward: [UInt64: Field] = [1: .text, 2: .number(), 3: .number()]
        let granter: [UInt64: Field] = [
            1: .name, 2: .number(), 3: .number(), 4: .messages(reward, Limits.Ledger.rewards),
        ]
        return MessageShape([
            1: .number(UInt64(UInt32.max)), 2: .name, 3: .text, 4: .text,
            5: .messages([1: .name, 2: .text, 3: .text], Limits.Ledger.authorities),
            6: .number(UInt64(Limits.Ledger.authorities / 3)), 7: .number(Limits.Post.timeEnd),
            8: .number(UInt64(Limits.Ledger.epochSeconds.upperBound)),
            9: .messages(granter, Limits.Ledger.granters),
            10: .names(Limits.Ledger.wardens), 11: .number(UInt64(Limits.Ledger.wardens)), 12: .number(1), 13: epochs,
            14: .names(Limits.Ledger.wardens), 15: .number(UInt64(Limits.Ledger.wardens)),
            16: epochs, 17: epochs, 18: .number(1), 19: .names(Limits.Ledger.services),
            20: .number(UInt64(Limits.Ledger.outputs)), 21: .number(),
        ])
    }()
}
