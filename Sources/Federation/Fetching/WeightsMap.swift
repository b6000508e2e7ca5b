import Formats

/// Where the bytes of a safetensors file lie in another one with the same tensors: a pure value, which nobody trusts. What is
/// put together by it is verified like what a stranger sends.
struct WeightsMap: Sendable {
    /// Bytes of the wanted file, and where they begin in the other.
    struct Piece: Hashable, Sendable {
        var wanted: Range<UInt64>
        var source: UInt64
    }

    /// In order; none overlap.
    let pieces: [Piece]

    /// The same bytes behind a header of another length.
    init(tail length: UInt64, of wantedSize: UInt64, in sourceSize: UInt64) {
        let length = min(length, wantedSize, sourceSize)
        pieces = length == 0 ? [] : [Piece(wanted: wantedSize - length..<wantedSize, source: sourceSize - length)]
    }

    /// The same tensors, in whatever order: those of the same name, type and shape.
    init(_ wanted: SafetensorsHeader, in source: SafetensorsHeader) {
        let there = Dictionary(source.tensors.map { ($0.name, $0) }) { first, _ in first }
        pieces = wanted.tensors.compactMap { tensor in
            guard let other = there[tensor.name], other.dtype == tensor.dtype, other.shape == tensor.shape,
                other.bytes.count == tensor.bytes.count, !tensor.bytes.isEmpty
            else { return nil }
            return Piece(wanted: tensor.bytes, source: other.bytes.lowerBound)
        }
    }

    /// What a range is put together from, in order; nil when some of it is nowhere.
    func pieces(of range: Range<UInt64>) -> [Piece]? {
        var found: [Piece] = []
        var at = range.lowerBound
        var index = firstIndex(endingAfter: at)
        while at < range.upperBound {
            guard index < pieces.count, pieces[index].wanted.contains(at) else { return nil }
            let piece = pieces[index]
            let end = min(piece.wanted.upperBound, range.upperBound)
            found.append(Piece(wanted: at..<end, source: piece.source + (at - piece.wanted.lowerBound)))
            at = end
            index += 1
        }
        return found
    }

    private func firstIndex(endingAfter offset: UInt64) -> Int {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].wanted.upperBound <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
