import { isIP } from 'node:net';
import { harmless, type Texts } from '../../test/support/hostile.ts';

/**
 * Harmless texts that make the same configuration: what is left out for being no address, or said otherwise for being a number, is so in these as well.
 * Two variants share no text, so that what differs between their configurations is where the texts stand.
 */
export function harmlessLike(texts: Texts, variant: 0 | 1): Texts {
  const word = (text: string) => (variant === 0 ? text : `${text}y`);
  const ciphers = texts.ciphers.split(':').filter((name) => name !== '');
  const kinds = [...new Set(ciphers.map((name) => name.startsWith('TLS_')))];
  return {
    value: /^[0-9]{1,6}$/.test(texts.value) ? String(variant) : word(harmless.value),
    key: word(harmless.key),
    url: word(harmless.url),
    urlPath: word(harmless.urlPath),
    domainName: word(harmless.domainName),
    cookieName: word(harmless.cookieName),
    expectedCodes: word(harmless.expectedCodes),
    cidr: isNetwork(texts.cidr) ? `10.${variant}.0.0/16` : 'none',
    address: isAddress(texts.address) ? `10.0.0.${variant}` : 'none',
    ciphers: kinds.map((isSuite) => word(isSuite ? 'TLS_X' : 'HIGH')).join(':'),
    listener: word(harmless.listener),
    pool: word(harmless.pool),
    policy: word(harmless.policy),
    rule: word(harmless.rule),
    secret: word(harmless.secret),
    pem: word(harmless.pem),
  };
}

const isAddress = (text: string): boolean => isIP(text) !== 0 && !text.includes('%');

function isNetwork(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const longest = isIP(address) === 4 ? 32 : 128;
  return rest.length === 0 && isAddress(address) && /^\d{1,3}$/.test(prefix) && Number(prefix) <= longest;
}
