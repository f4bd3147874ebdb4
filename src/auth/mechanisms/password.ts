// PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login): the password is sent as it is and goes to the authenticator
// and nowhere else.

import { decodeLogin, decodePlain } from '../sasl.ts';
import type { SaslRequest, SaslStep } from '../sasl-server.ts';
import {
  challenge,
  denied,
  malformed,
  maxLoginLength,
  type Mechanism,
  type MechanismParts,
  outcome,
  withDomain,
} from './exchange.ts';

/** Longer passwords would only make the hash functions work. */
const maxPasswordLength = 1024;

export const plain: Mechanism = {
  properties: new Set(['plaintext']),
  start: (parts, request) => async (message) => {
    const words = decodePlain(message);
    if (words === undefined) return malformed();
    const { authzid, login, password } = words;
    // Acting for somebody else is not offered.
    if (authzid !== '' && authzid.toLowerCase() !== login.toLowerCase()) {
      return denied('authorization identity differs from the login', login);
    }
    return await check(parts, request, login, password);
  },
};

export const login: Mechanism = {
  properties: new Set(['plaintext']),
  // Clients compare the two questions literally.
  firstChallenge: () => 'Username:',
  start: (parts, request) => async (message) => {
    const name = decodeLogin(message);
    if (name === undefined) return malformed();
    return challenge('Password:', async (answer) => {
      const password = decodeLogin(answer);
      return password === undefined ? malformed() : await check(parts, request, name, password);
    });
  },
};

async function check(
  { authenticator }: MechanismParts,
  request: SaslRequest,
  name: string,
  password: string,
): Promise<SaslStep> {
  if (name.length > maxLoginLength || password.length > maxPasswordLength) {
    return denied('login or password too long', name);
  }
  const {
    mechanism,
    protocol: service,
    clientAddress: remoteAddress,
    serverAddress: localAddress,
    isSecured,
  } = request;
  const who = { login: withDomain(name, request), password };
  const credentials = { ...who, service, remoteAddress, localAddress, mechanism, isSecured };
  return outcome(await authenticator.authenticate(credentials), name);
}
