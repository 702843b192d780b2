import type { L7Policy, L7Rule } from '../../../api/index.ts';
import { type Line, literalFormat, quoteArgument } from './text.ts';

const methods: Record<L7Rule['compareType'], string> = {
  REGEX: 'reg',
  STARTS_WITH: 'beg',
  ENDS_WITH: 'end',
  CONTAINS: 'sub',
  EQUAL_TO: 'str',
};

/** Octavia's order of actions: refusals, then redirects to a URL, then those to a pool. */
const group: Record<L7Policy['action'], number> = { REJECT: 0, REDIRECT_TO_URL: 1, REDIRECT_PREFIX: 1, REDIRECT_TO_POOL: 2 };

/** Where the last part of the path's last segment stands, for FILE_TYPE rules. */
const fileType = 'txn.file_type';

/**
 * The L7 policies of a listener, in Octavia's order: by action, position, name. A policy acts when all its enabled rules match; one without
 * any, a disabled one, and one whose pool is disabled do nothing.
 * @param backends names of the backends by pool, those that are enabled.
 */
export function policyLines(policies: readonly L7Policy[], backends: ReadonlyMap<string, string>): Line[] {
  const active = policies
    .filter((policy) => policy.adminStateUp && rulesOf(policy).length > 0 && actionOf(policy, backends) !== undefined)
    .sort((a, b) => group[a.action] - group[b.action] || a.position - b.position || (a.name < b.name ? -1 : 1));
  const rules = active.flatMap((policy) => rulesOf(policy).map((rule) => aclOf(policy, rule)));
  const usesFileType = active.some((policy) => rulesOf(policy).some((rule) => rule.type === 'FILE_TYPE'));
  return [
    ...(usesFileType ? [fileTypeLine] : []),
    ...rules,
    ...active.map((policy) => [
      ...actionOf(policy, backends)!,
      'if',
      ...rulesOf(policy).map((rule) => `${rule.invert ? '!' : ''}${aclName(policy, rule)}`),
    ]),
  ];
}

const fileTypeLine: Line = [
  'http-request',
  `set-var(${fileType})`,
  'path,field(-1,/),field(-1,.)',
  'if',
  '{',
  'path,field(-1,/)',
  '-m',
  'sub',
  '.',
  '}',
];

function rulesOf(policy: L7Policy): L7Rule[] {
  return (policy.rules ?? []).filter((rule) => rule.adminStateUp).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function aclName(policy: L7Policy, rule: L7Rule): string {
  return `${policy.name}:${rule.name}`;
}

/** `--` ends the flags, so that a value such as `-f` is a value and names no file to read. */
function aclOf(policy: L7Policy, rule: L7Rule): Line {
  const text = (fetch: string, ...flags: string[]) => [
    'acl',
    aclName(policy, rule),
    fetch,
    ...flags,
    '-m',
    methods[rule.compareType],
    '--',
    rule.value,
  ];
  switch (rule.type) {
    case 'HOST_NAME':
      return text('req.hdr(host),host_only', '-i');
    case 'PATH':
      return text('path');
    case 'FILE_TYPE':
      return text(`var(${fileType})`);
    case 'HEADER':
      return text(`req.hdr(${quoteArgument(rule.key ?? '')})`);
    case 'COOKIE':
      return text(`req.cook(${quoteArgument(rule.key ?? '')})`);
    case 'SSL_DN_FIELD':
      return text(`ssl_c_s_dn(${quoteArgument(rule.key ?? '')})`);
    case 'SSL_CONN_HAS_CERT':
      return ['acl', aclName(policy, rule), 'ssl_c_used'];
    case 'SSL_VERIFY_RESULT':
      return ['acl', aclName(policy, rule), 'ssl_c_verify', ...verifyResult(rule.value)];
  }
}

/** What is no number of OpenSSL's (they are below 100) can't be a result: it matches nothing. */
function verifyResult(value: string): string[] {
  return /^[0-9]{1,6}$/.test(value) ? ['eq', value] : ['lt', '0'];
}

function actionOf(policy: L7Policy, backends: ReadonlyMap<string, string>): Line | undefined {
  const code = String(policy.redirectHttpCode ?? 302);
  switch (policy.action) {
    case 'REJECT':
      return ['http-request', 'deny'];
    case 'REDIRECT_TO_URL':
      return policy.redirectUrl === undefined
        ? undefined
        : ['http-request', 'redirect', 'location', literalFormat(policy.redirectUrl), 'code', code];
    case 'REDIRECT_PREFIX':
      return policy.redirectPrefix === undefined
        ? undefined
        : ['http-request', 'redirect', 'prefix', literalFormat(policy.redirectPrefix), 'code', code];
    case 'REDIRECT_TO_POOL': {
      const backend = backends.get(policy.redirectPool ?? '');
      return backend === undefined ? undefined : ['use_backend', backend];
    }
  }
}
