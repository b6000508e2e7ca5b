import NIOSSL

/// The certificate and key that this node answers HTTPS with.
public struct TLSIdentity: Sendable {
    let configuration: TLSConfiguration

    /// Reads both from PEM files: the certificate with its chain, leaf first, and the leaf's private key. They are read
    /// once, so a renewed certificate is served after a restart.
    ///
    /// - Throws: `unusable` when one of them cannot be read or they do not belong together.
    public init(certificate: String, key: String) throws(TLSError) {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate)
        } catch {
            throw .unusable(file: certificate, reason: "no certificate in PEM form (\(error))")
        }
        guard !chain.isEmpty else { throw .unusable(file: certificate, reason: "no certificate in PEM form") }
        let privateKey: NIOSSLPrivateKey
        do {
            privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
        } catch {
            throw .unusable(file: key, reason: "no private key in PEM form without a passphrase (\(error))")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        // RFC 9325, section 3.1.1.
        configuration.minimumTLSVersion = .tlsv12
        do {
            // What a connection would stumble over is told at the start.
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .unusable(file: key, reason: "not the key of the certificate in \(certificate) (\(error))")
        }
        self.configuration = configuration
    }
}

/// Why a node cannot serve HTTPS as it was told to.
public enum TLSError: Error, Equatable, Sendable {
    case unusable(file: String, reason: String)

    public var message: String {
        switch self {
        case .unusable(let file, let reason): "\(file): \(reason)"
        }
    }
}
