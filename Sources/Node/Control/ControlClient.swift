import FoundationEssentials
import NIOCore
import NIOPosix
import Operations

/// Asks a running server to carry out an operation.
struct ControlClient {
    /// Nil when no server listens at the home's socket.
    static func connect(_ home: Home) async -> ControlClient? {
        let connection = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(
            unixDomainSocketPath: ControlSocket.path(of: home)
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        return connection.map { ControlClient(connection: $0) }
    }

    private let connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Runs one operation and closes the connection.
    func run<O: Operation>(_ operation: O, progress: @escaping @Sendable (Progress) -> Void)
        async throws(OperationError) -> O.Reply
    {
        do {
            return try await connection.executeThenClose { inbound, outbound in
                guard await ControlSocket.isOwner(connection.channel) else {
                    throw OperationError(.auth, "the server at this home's socket runs as another user")
                }
                let request = ControlRequest(operation: O.name, request: try JSONEncoder().encode(operation))
                try await outbound.write(try ControlFrames.encode(request))
                var frames = ControlFrames()
                for try await chunk in inbound {
                    frames.append(chunk)
                    while let reply = try frames.next(ControlReply.self) {
                        switch reply {
                        case .progress(let step): progress(step)
                        case .reply(let data): return try JSONDecoder().decode(O.Reply.self, from: data)
                        case .error(let error): throw error
                        }
                    }
                }
                throw OperationError(.failed, "the server stopped before it answered; run the command again")
            }
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "the running server did not answer: \(error)")
        }
    }
}
