const LEADSYNC = "https://leads.example.com/sarah/state";
const WORKSPACE = "default";
const headers = { "X-API-Key": env.LEADSYNC_KEY, "Content-Type": "application/json" };

// Before Sarah answers: what she remembers of this person.
const asked = new URLSearchParams({ contact_phone: phone, workspace_id: WORKSPACE });
const memory = await (await fetch(`${LEADSYNC}?${asked}`, { headers })).json();

// A person has taken this lead over: Sarah says nothing.
if (memory.paused) return new Response(JSON.stringify({ paused: true }));

// After she answered: what she knows now. Fields that you leave out keep their value.
const answer = await fetch(LEADSYNC, {
  method: "POST",
  headers,
  body: JSON.stringify({
    contact_phone: phone,
    workspace_id: WORKSPACE,
    state: "qualifying",             // greeting, qualifying, scoring, handoff, completed
    lead_score: 55,                  // 0 to 100
    lead_temperature: "warm",        // hot, warm, lukewarm, cold
    extracted_data: { name: "Budi", business_type: "cafe", team_size: 5, pain_points: [] },
    language: "id",                  // id, en
    message_count: memory.message_count + 1,
  }),
});
