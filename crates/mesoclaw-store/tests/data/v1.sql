-- What a database of schema version 1 holds after some use: rows in every table.

INSERT INTO sessions (id, title, created_at, updated_at, source, channel_key) VALUES
    ('s1', 'first', '2026-01-01T10:00:00.000Z', '2026-01-02T10:00:00.000Z', 'tui', NULL),
    ('s2', '', '2026-01-03T10:00:00.000Z', '2026-01-03T10:00:00.000Z', 'cli', 'telegram:7');

INSERT INTO turns (id, session_id, state, surface, model, started_at, finished_at, outcome,
                   input_tokens, cached_tokens, output_tokens, model_calls) VALUES
    ('t1', 's1', 'done', 'tui', 'local:smol', '2026-01-01T10:00:00.000Z',
     '2026-01-01T10:00:09.000Z', '{"status":"completed"}', 100, 10, 20, 2),
    ('t2', 's1', 'done', 'cli', 'remote:qwen3:8b', '2026-01-01T23:59:59.999Z',
     '2026-01-02T00:00:09.000Z', '{"status":"cancelled"}', 1000, 0, 50, 3),
    ('t3', 's2', 'done', 'pipe', 'remote:qwen3:8b', '2026-01-03T10:00:00.000Z',
     '2026-01-03T10:00:01.000Z', '{"status":"interrupted"}', 0, 0, 0, 0),
    ('t4', 's2', 'running', 'http', 'remote:qwen3:8b', '2026-01-03T11:00:00.000Z', NULL, NULL,
     0, 0, 0, 0);

INSERT INTO items (id, session_id, turn_id, position, kind, created_at, body, is_message) VALUES
    ('t1.0', 's1', 't1', 1, 'user', '2026-01-01T10:00:00.000Z',
     '{"kind":"user","text":"find the needle"}', 1),
    ('t1.1', 's1', 't1', 2, 'tool_call', '2026-01-01T10:00:01.000Z',
     '{"kind":"tool_call","call_id":"c1","tool":"look","args":{"path":"a"}}', 0),
    ('t1.2', 's1', 't1', 3, 'tool_result', '2026-01-01T10:00:02.000Z',
     '{"kind":"tool_result","call_id":"c1","tool":"look","output":"hay","success":true}', 0),
    ('t1.3', 's1', 't1', 4, 'assistant', '2026-01-01T10:00:08.000Z',
     '{"kind":"assistant","text":"in the haystack","complete":true,"model":"local:smol"}', 1),
    ('t1.4', 's1', 't1', 5, 'outcome', '2026-01-01T10:00:09.000Z',
     '{"kind":"outcome","outcome":{"status":"completed"},"usage":{"input_tokens":100,"cached_tokens":10,"output_tokens":20,"model_calls":2}}', 0);

INSERT INTO tool_calls (item_id, call_id, session_id, turn_id, tool, args, output, success,
                        duration_ms, created_at) VALUES
    ('t1.1', 'c1', 's1', 't1', 'look', '{"path":"a"}', 'hay', 1, 7, '2026-01-01T10:00:01.000Z');

INSERT INTO queue (id, session_id, text, model, client_message_id, created_at, rank) VALUES
    ('q1', 's2', 'and then', 'local:smol', 'm2', '2026-01-03T11:00:01.000Z', 1);

INSERT INTO client_messages (client_message_id, session_id, turn_id, item_id, queue_id,
                             created_at) VALUES
    ('m1', 's1', 't1', 't1.0', NULL, '2026-01-01T10:00:00.000Z'),
    ('m2', 's2', NULL, NULL, 'q1', '2026-01-03T11:00:01.000Z');

INSERT INTO approvals (id, session_id, turn_id, call_id, tool, args, risk, reason,
                       requested_at) VALUES
    ('a1', 's2', 't4', 'c9', 'run', '{}', 'high', 'it writes', '2026-01-03T11:00:02.000Z');

INSERT INTO providers (id, name, base_url, api_key_env, created_at) VALUES
    ('home', 'Home', 'http://127.0.0.1:8080/v1', NULL, '2026-01-01T09:00:00.000Z'),
    ('remote', 'Remote', 'https://api.example.com/v1', 'REMOTE_KEY', '2026-01-01T09:00:00.000Z');

INSERT INTO settings (key, value) VALUES ('setup', '"done"');
