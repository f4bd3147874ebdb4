// Ties a SASL exchange to the TLS connection that it runs in (RFC 5056), so that somebody in the middle with another
// connection on each side cannot pass it on: what each type is made of, from the server's end of the connection.

import { createHash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

export interface ChannelBinding {
  /** Undefined for a type that is unknown, or that this connection does not have. */
  data(type: string): Buffer | undefined;
}

/** RFC 9266 §4.1: no context. */
const exporterLabel = 'EXPORTER-Channel-Binding';
const exporterLength = 32;

export class TlsChannelBinding implements ChannelBinding {
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  data(type: string): Buffer | undefined {
    switch (type) {
      case 'tls-exporter':
        return this.#exporter();
      case 'tls-unique':
        return this.#unique();
      case 'tls-server-end-point':
        return this.#endPoint();
      default:
        return undefined;
    }
  }

  /** Of TLS 1.2 only with the extended master secret (RFC 9266 §4), which nothing here can see. */
  #exporter(): Buffer | undefined {
    if (this.#socket.getProtocol() !== 'TLSv1.3') return undefined;
    return this.#socket.exportKeyingMaterial(exporterLength, exporterLabel, Buffer.alloc(0));
  }

  /** RFC 5929 §3: the first Finished message, the client's. Not defined for TLS 1.3; not safe in a resumed session. */
  #unique(): Buffer | undefined {
    if (this.#socket.getProtocol() === 'TLSv1.3' || this.#socket.isSessionReused()) return undefined;
    return this.#socket.getPeerFinished();
  }

  /** RFC 5929 §4: the hash of our certificate, with the hash of its signature; MD5 and SHA-1 count as SHA-256. */
  #endPoint(): Buffer | undefined {
    const certificate = this.#socket.getCertificate();
    const raw = certificate !== null && 'raw' in certificate ? certificate.raw : undefined;
    if (raw === undefined) return undefined;
    const algorithm = signatureHash(new X509Certificate(raw).signatureAlgorithm ?? '');
    return algorithm === undefined ? undefined : createHash(algorithm).update(raw).digest();
  }
}

/** `sha384WithRSAEncryption`, `ecdsa-with-SHA256`; signatures without one hash (Ed25519, RSA-PSS) have no such binding. */
function signatureHash(signatureAlgorithm: string): string | undefined {
  const hash = /(md5|sha-?\d+)/i.exec(signatureAlgorithm)?.[1]?.toLowerCase().replace('-', '');
  return hash === 'md5' || hash === 'sha1' ? 'sha256' : hash;
}
