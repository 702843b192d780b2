import { expect, test } from '@jest/globals';
import { carriedOver } from './servers-state.ts';

const head = '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change';

test('a member that is down stays known as down, with its weight as configured', () => {
  expect(carriedOver(`1\n${head}\n3 web 1 a 127.0.0.1 0 0 5 1 22\n`)).toBe(`1\n${head}\n3 web 1 a 127.0.0.1 0 0 1 1 22\n`);
});

test('members that are up, or out by order, are left to the configuration', () => {
  expect(
    carriedOver(`1\n${head}\n3 web 1 up 127.0.0.1 2 0 1 1 9\n3 web 2 maint 127.0.0.1 0 1 1 1 9\n3 web 3 drain 127.0.0.1 2 8 1 1 9\n`),
  ).toBe(`1\n${head}\n`);
});

test('where a member is checked is left to the configuration', () => {
  const columns = `${head} srv_check_port srv_check_addr`;
  expect(carriedOver(`1\n${columns}\n3 web 1 a 127.0.0.1 0 0 1 1 22 8080 127.0.0.2\n`)).toBe(
    `1\n${columns}\n3 web 1 a 127.0.0.1 0 0 1 1 22 0 -\n`,
  );
});
