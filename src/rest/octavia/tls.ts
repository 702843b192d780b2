import * as z from 'zod';
import { AlpnProtocol, TlsVersion } from '../../api/index.ts';
import { oneOf } from './body.ts';

/** What listeners and pools say of TLS alike. */
export const TlsSettings = {
  tls_ciphers: z.string().max(2048, 'Value should have a maximum character requirement of 2048').nullish(),
  tls_versions: z.array(oneOf(TlsVersion.options)).nullish(),
  alpn_protocols: z.array(oneOf(AlpnProtocol.options)).nullish(),
};
