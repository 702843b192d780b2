/** What the columns of a member that is down are set to, so that the new configuration decides them. */
const decidedAnew: Record<string, string> = { srv_check_port: '0', srv_check_addr: '-', srv_agent_addr: '-', srv_agent_port: '0' };

/**
 * What of `show servers state` may be carried over to another process, as its `server-state-file` (manual section 3.2): that a member is
 * known to be down, nothing else. HAProxy would let the old weights, administrative states and addresses of checks win over those of the
 * new configuration. Ends in a newline.
 */
export function carriedOver(serversState: string): string {
  const [version = '1', head = '', ...lines] = serversState.trim().split('\n');
  const columns = head.replace(/^# /, '').split(' ');
  const down = lines.flatMap((line) => {
    const cells = line.split(' ');
    const cell = (name: string) => cells[columns.indexOf(name)];
    if (cell('srv_op_state') !== '0' || cell('srv_admin_state') !== '0') return [];
    const initialWeight = cell('srv_iweight')!;
    return [columns.map((name, i) => (name === 'srv_uweight' ? initialWeight : (decidedAnew[name] ?? cells[i]))).join(' ')];
  });
  return [version, head, ...down, ''].join('\n');
}
