-- What a database of schema version 2 holds after some use: rows in every table.

INSERT INTO sessions (id, title, created_at, updated_at, source, channel_key, model) VALUES
    ('s1', 'first', '2026-03-01T10:00:00.000Z', '2026-03-02T10:00:00.000Z', 'tui', NULL,
     'remote:big'),
    ('s2', '', '2026-03-03T10:00:00.000Z', '2026-03-03T10:00:00.000Z', 'cli', NULL, NULL);

INSERT INTO turns (id, session_id, state, surface, model, started_at, finished_at, outcome,
                   input_tokens, cached_tokens, output_tokens, model_calls, cache_write_tokens,
                   reasoning_tokens, cost_microusd) VALUES
    ('t1', 's1', 'done', 'tui', 'remote:big', '2026-03-01T10:00:00.000Z',
     '2026-03-01T10:00:09.000Z', '{"status":"completed"}', 100, 10, 20, 1, 5, 3, 42),
    ('t2', 's2', 'running', 'http', 'local:smol', '2026-03-03T11:00:00.000Z', NULL, NULL,
     0, 0, 0, 0, 0, 0, 0);

INSERT INTO items (id, session_id, turn_id, position, kind, created_at, body, is_message) VALUES
    ('t1.0', 's1', 't1', 1, 'user', '2026-03-01T10:00:00.000Z',
     '{"kind":"user","text":"what is this","images":[{"sha256":"00ff","media_type":"image/png","size_bytes":3}]}', 1),
    ('t1.1', 's1', 't1', 2, 'tool_call', '2026-03-01T10:00:01.000Z',
     '{"kind":"tool_call","call_id":"c1","tool":"look","args":{"path":"a"},"signature":{"model":"remote:big","data":"x"}}', 0),
    ('t1.2', 's1', 't1', 3, 'tool_result', '2026-03-01T10:00:02.000Z',
     '{"kind":"tool_result","call_id":"c1","tool":"look","output":"hay","success":true,"duration_ms":7}', 0),
    ('t1.3', 's1', 't1', 4, 'assistant', '2026-03-01T10:00:08.000Z',
     '{"kind":"assistant","text":"a haystack","complete":true,"model":"remote:big"}', 1);

INSERT INTO tool_calls (item_id, call_id, session_id, turn_id, tool, args, output, success,
                        duration_ms, created_at) VALUES
    ('t1.1', 'c1', 's1', 't1', 'look', '{"path":"a"}', 'hay', 1, 7, '2026-03-01T10:00:01.000Z');

INSERT INTO queue (id, session_id, text, model, client_message_id, created_at, rank, images,
                   surface) VALUES
    ('q1', 's2', 'and then', 'local:smol', 'm1', '2026-03-03T11:00:01.000Z', 1, '[]', 'cli');

INSERT INTO client_messages (client_message_id, session_id, turn_id, item_id, queue_id,
                             created_at) VALUES
    ('m1', 's2', NULL, NULL, 'q1', '2026-03-03T11:00:01.000Z');

INSERT INTO approvals (id, session_id, turn_id, call_id, tool, args, risk, reason,
                       requested_at, decision, answer_reason, resolved_at) VALUES
    ('a1', 's1', 't1', 'c1', 'look', '{"path":"a"}', 'low', 'it looks',
     '2026-03-01T10:00:01.000Z', 'approved', 'go on', '2026-03-01T10:00:02.000Z'),
    ('a2', 's2', 't2', 'c9', 'run', '{}', 'high', 'it writes', '2026-03-03T11:00:02.000Z',
     NULL, NULL, NULL);

INSERT INTO providers (id, name, base_url, api_key_env, created_at, dialect, auth,
                       requires_api_key, api_version) VALUES
    ('remote', 'Remote', 'https://api.example.com/v1', NULL, '2026-03-01T09:00:00.000Z',
     'anthropic', 'bearer', 1, '2026-01-01');

INSERT INTO models (provider_id, model_id, display_name, context_limit, price_input, price_output,
                    created_at) VALUES
    ('remote', 'big', 'Big', 200000, 3000000, 15000000, '2026-03-01T09:00:00.000Z');

INSERT INTO key_bindings (provider_id, origin, created_at) VALUES
    ('remote', 'https://api.example.com', '2026-03-01T09:00:00.000Z');

INSERT INTO key_consents (variable, created_at) VALUES ('REMOTE_KEY', '2026-03-01T09:00:00.000Z');

INSERT INTO images (sha256, media_type, created_at, data) VALUES
    ('00ff', 'image/png', '2026-03-01T10:00:00.000Z', x'000102');

INSERT INTO settings (key, value) VALUES ('setup', '"done"');

INSERT INTO model_calls (turn_id, session_id, surface, provider_id, model, started_at, day,
                         first_token_ms, latency_ms, input_tokens, cached_tokens,
                         cache_write_tokens, output_tokens, reasoning_tokens, cost_microusd,
                         is_estimated) VALUES
    ('t1', 's1', 'tui', 'remote', 'remote:big', '2026-03-01T10:00:00.000Z', '2026-03-01', 300, 900,
     100, 10, 5, 20, 3, 42, 0);
