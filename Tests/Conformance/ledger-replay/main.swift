import Foundation
import Ledger

// Reads a trace of the reference model on standard input and feeds it to an authority of this implementation.
// Exit codes: 0 everything agreed, 1 the first difference is printed, 2 the input is no trace.

var replay: TraceReplay?
var number = 0
do {
    while let line = readLine(strippingNewline: true) {
        number += 1
        if line.isEmpty { continue }
        if replay == nil {
            replay = try TraceReplay(charterLine: line)
        } else {
            try replay?.feed(line)
        }
    }
    guard let replay, replay.isFinished else { throw TraceError.unreadable("the trace ends without its final state") }
    print("agreed: \(replay.inputs) inputs, \(replay.finals) final")
} catch let error as TraceError {
    print("line \(number): \(error)")
    exit(error.isDifference ? 1 : 2)
}
