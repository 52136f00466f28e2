BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE beats (
	uid TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	context_percent FLOAT, 
	said_at INTEGER, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (uid)
);
INSERT INTO "beats" VALUES('6181013d39220a02',1,12.5,NULL,1);
CREATE TABLE clocks (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE cohorts (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "cohorts" VALUES('demo/squad/agent/2','demo','{"count":2,"created_at":1700000004.999999,"generation":2,"position":36,"proven":true,"role":"agent","team":"squad","template":{"runtime":{"command":"agent","cwd":"/"}},"workspace":"demo"}');
INSERT INTO "cohorts" VALUES('demo/squad/agent/3','demo','{"count":2,"created_at":1700000009.699998,"generation":3,"position":66,"proven":true,"role":"agent","team":"squad","template":{"runtime":{"command":"agent","cwd":"/"}},"workspace":"demo"}');
CREATE TABLE daemons (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "daemons" VALUES('daemon','','{"pid":1,"position":73,"run_id":"run","started_at":1700000000.0,"stopped_at":1700000009.699998,"version":"0"}');
CREATE TABLE endpoints (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "endpoints" VALUES('demo/svc','demo','{"created_at":1700000000.0,"name":"svc","position":5,"team":"squad","uid":"c017182926920f87","workspace":"demo"}');
CREATE TABLE events (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	time INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	stream_version INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	schema INTEGER NOT NULL, 
	workspace TEXT, 
	team TEXT, 
	role TEXT, 
	session TEXT, 
	uid TEXT, 
	generation INTEGER, 
	actor TEXT NOT NULL, 
	command TEXT, 
	cause INTEGER, 
	payload TEXT NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT events_stream UNIQUE (stream, stream_version)
);
INSERT INTO "events" VALUES(1,1700000000000000,'log',1,'log.created',1,NULL,NULL,NULL,NULL,NULL,NULL,'marvel',NULL,NULL,'{"log_id":"bf9a0dd8eee3416f"}',X'A8FD86CEE592BB141A2E5DFD8DBCCED49018FC3041BC71772F22290A80FA8869');
INSERT INTO "events" VALUES(2,1700000000000000,'workspace/demo',1,'workspace.created',1,'demo',NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"uid":"e1d0f646f3722067"}',X'18D843763A6BCB98C05B2C4F376B9297E61B27873468B37B2EECEDAC34F7193E');
INSERT INTO "events" VALUES(3,1700000000000000,'team/demo/squad',1,'team.applied',1,'demo','squad',NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"roles":["agent"],"uid":"d19b42e12af6e3b5"}',X'7F5004B617D59F7A59D65F219C5FDA870E2C8E14F19967BDB3CA3F5656961D1A');
INSERT INTO "events" VALUES(4,1700000000000000,'role/demo/squad/agent',1,'role.applied',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"replicas":3,"spec":{"healthcheck":{},"name":"agent","replicas":3,"template":{"runtime":{"command":"agent","cwd":"/"}}},"uid":"92d14d2920b27383"}',X'B167D1130D8BD8277B3D579846071C5E6EA5722AA6554D500D90192AC24A4EE3');
INSERT INTO "events" VALUES(5,1700000000000000,'workspace/demo',2,'endpoint.applied',1,'demo',NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"name":"svc","team":"squad","uid":"c017182926920f87"}',X'3AC87D6FDE6344C3EE0F2C7A47FB47E30F4CB3ABA157B6820AD7A9877F5C2D17');
INSERT INTO "events" VALUES(6,1700000000000000,'log',2,'daemon.started',1,NULL,NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"pid":1,"run_id":"run","version":"0"}',X'B051C47CBD978119FDA0EE17A1723BF76E161BF0362BBDAF890E4C37D95383C9');
INSERT INTO "events" VALUES(7,1700000000000000,'role/demo/squad/agent',2,'cohort.created',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,4,'{"count":3,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'F412E6A3E49581CA8A94B1698D0808231D86ED4D1FAF58DBFAC61526417AB76C');
INSERT INTO "events" VALUES(8,1700000000000000,'session/demo/squad-agent-g1-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"image":"","index":0}',X'DF4E30D64112D15EFAE1B8FC20664E8626C2089EB9CE4545012AC386530454E7');
INSERT INTO "events" VALUES(9,1700000000000000,'session/demo/squad-agent-g1-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"held":true,"image":"","index":1,"reason":"template-unproven"}',X'FD06EC317C3D61DB8FC131AE758BA341F09F8453B0A01CF81E61D8A9E90E71A6');
INSERT INTO "events" VALUES(10,1700000000000000,'session/demo/squad-agent-g1-2',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"held":true,"image":"","index":2,"reason":"template-unproven"}',X'8D3360BB4938F927537CE9B4880772C82F22685D2EFA7BA538124B3D611CE170');
INSERT INTO "events" VALUES(11,1700000000000000,'session/demo/squad-agent-g1-0',2,'session.started',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'test',NULL,8,'{"pane":"%1","pid":1001,"pid_start":7,"server":"1/2"}',X'EC89DC4AB648F8B1AB26BB7DFC5E10E7095ABB0B31AEA45DA314EF43E7CF2F4A');
INSERT INTO "events" VALUES(12,1700000000100000,'session/demo/squad-agent-g1-0',3,'session.readied',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:health',NULL,11,'{"ready":true}',X'6D78099099292E8CBFF452F966126BB680F718AFB7B555CD30CF7BC2472D4ADB');
INSERT INTO "events" VALUES(13,1700000000100000,'role/demo/squad/agent',3,'cohort.proven',1,'demo','squad','agent',NULL,NULL,1,'controller:sessions',NULL,12,'{}',X'6685D43B0BB25FCD7B7282D637B15806DE808E4757F0287473FA4CBA491023A3');
INSERT INTO "events" VALUES(14,1700000000100000,'session/demo/squad-agent-g1-0',4,'health.changed',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:health',NULL,12,'{"health":"healthy","reason":"its process is alive"}',X'23B297E56567C06906D1ACF320C2F6188111E56B14FD4E6D0D0B5B41ABB961D8');
INSERT INTO "events" VALUES(15,1700000000100000,'session/demo/squad-agent-g1-1',2,'session.cleared',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,13,'{}',X'BB28EAC5CDF2FDA627F9687545D778AF9895241CBEB824EBC6E685DFFF3748FB');
INSERT INTO "events" VALUES(16,1700000000100000,'session/demo/squad-agent-g1-2',2,'session.cleared',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,13,'{}',X'B0C28C60B66BBDACEDBCAE339F2A88364B1459D3DCCD149FADA783725E599BFE');
INSERT INTO "events" VALUES(17,1700000000100000,'session/demo/squad-agent-g1-1',3,'session.started',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'test',NULL,15,'{"pane":"%2","pid":1002,"pid_start":7,"server":"1/2"}',X'72BB635F18AA35C234BBC13D7A28BD8B466ACB3E4AED5477BE74EAEA883A4C8B');
INSERT INTO "events" VALUES(18,1700000000100000,'session/demo/squad-agent-g1-2',3,'session.started',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'test',NULL,16,'{"pane":"%3","pid":1003,"pid_start":7,"server":"1/2"}',X'C063EE025F1EAF91A526039697455F88305C6F6A203C4AB623D366914E72FC9C');
INSERT INTO "events" VALUES(19,1700000000200000,'session/demo/squad-agent-g1-1',4,'session.readied',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:health',NULL,17,'{"ready":true}',X'CDDED36CB362C91C71F8F7E55164BBAB4A76447F2E3EAD9F67FACF9655D24A9A');
INSERT INTO "events" VALUES(20,1700000000200000,'session/demo/squad-agent-g1-2',4,'session.readied',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:health',NULL,18,'{"ready":true}',X'EE2BB86C559EB49577D3F0BBE28339D00714E901E3B5B58BCD90CF68D79410F1');
INSERT INTO "events" VALUES(21,1700000000200000,'session/demo/squad-agent-g1-1',5,'health.changed',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:health',NULL,19,'{"health":"healthy","reason":"its process is alive"}',X'A0FB57FDC8A36D5B08825AE509727253DF5E45A8F59E1A8CE8B31F1C35E0E515');
INSERT INTO "events" VALUES(22,1700000000200000,'session/demo/squad-agent-g1-2',5,'health.changed',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:health',NULL,20,'{"health":"healthy","reason":"its process is alive"}',X'054F870B515310851FB0927F5047E09A1C9AC549647B5E160B739769958B5173');
INSERT INTO "events" VALUES(23,1700000001400000,'session/demo/squad-agent-g1-0',5,'session.ended',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'test',NULL,14,'{"exit_status":7,"reason":"crashed","state":"failed"}',X'B68E01B732B36319E8471EC98FE6FE3104B8D708F036FD109D224B3307087768');
INSERT INTO "events" VALUES(24,1700000001400000,'session/demo/squad-agent-g1-0',6,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:sessions',NULL,23,'{"command":"agent","delay":0.0,"image":"","index":0,"replaces":"fb355baa22f2e727","restarts":1,"streak":1}',X'CDFE98F935712CDAEBB90FE9D9A3AEA531F8B59BA4A8CF2B40F6AB41674690F6');
INSERT INTO "events" VALUES(25,1700000001400000,'session/demo/squad-agent-g1-0',7,'session.started',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'test',NULL,24,'{"pane":"%4","pid":1004,"pid_start":7,"server":"1/2"}',X'212136D9F233DD117CB6B2C60AB74516F63A3BE65351B44DB197EBA7B5B0C969');
INSERT INTO "events" VALUES(26,1700000001500000,'session/demo/squad-agent-g1-0',8,'session.readied',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:health',NULL,25,'{"ready":true}',X'4ECB7E38B17A6003F1CE7A46E3046CD95422AF51F3E56F0EB0360A8360F0E57D');
INSERT INTO "events" VALUES(27,1700000001500000,'session/demo/squad-agent-g1-0',9,'health.changed',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:health',NULL,26,'{"health":"healthy","reason":"its process is alive"}',X'2B3D4DAF019B659F10524CDCEFDC140477992F5A847A8189B15E1E3AFD2FB2FB');
INSERT INTO "events" VALUES(28,1700000002699999,'role/demo/squad/agent',4,'role.scaled',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"replicas":2}',X'A2143ABFBF8E1921B25624071FF283CC0084D32FA1FBC22765E03B234280D9B3');
INSERT INTO "events" VALUES(29,1700000002699999,'role/demo/squad/agent',5,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,28,'{"count":2}',X'E9CC27E374D6E20B3DFED1744CD8F5E92E5BFB22D09C69DEC5FEB317E0DC9FF1');
INSERT INTO "events" VALUES(30,1700000002699999,'session/demo/squad-agent-g1-2',6,'session.stopping',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,29,'{"deadline":1700000012.6999993,"reason":"scaled-down","release":true}',X'452AA92D53BEA23E573B8C244B264DFB7098FD764B093FE28B81674788C5A70B');
INSERT INTO "events" VALUES(31,1700000003899999,'session/demo/squad-agent-g1-2',7,'session.ended',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'test',NULL,30,'{"reason":"scaled-down","signal":"TERM","state":"stopped"}',X'45E4F0B9FF091BBE06BA9BB121924D32538ACF89EBAD504FD9E1489CAA5C0F34');
INSERT INTO "events" VALUES(32,1700000004999999,'role/demo/squad/agent',6,'shift.requested',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"requested"}',X'F8C1636E1043254CF06B4D8E0240B5077ADE54581EF14CD5653D510199C6E8B0');
INSERT INTO "events" VALUES(33,1700000004999999,'role/demo/squad/agent',7,'cohort.created',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,32,'{"count":0,"proven":true,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'41DC724C1C4CC480CF2A02322F3DE698CC6E989220FD87817B2DCBC6B1F6F6F2');
INSERT INTO "events" VALUES(34,1700000004999999,'role/demo/squad/agent',8,'shift.started',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,32,'{"from_generation":1,"reason":"requested"}',X'11BEA2168808CB13EF4968C58B006D88B3D034D09F237A2C53E25F17D5220D64');
INSERT INTO "events" VALUES(35,1700000004999999,'role/demo/squad/agent',9,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,34,'{"old":2,"phase":"launching","ready":0,"replicas":2}',X'28D5C1326FA1FB0B69DA77AEE946344B264CD0AE94B84A60CE4C091CAC7D11F3');
INSERT INTO "events" VALUES(36,1700000004999999,'role/demo/squad/agent',10,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,35,'{"count":2}',X'E8FCF8B2C1E4BE6A10F85EFD782904409896CC7455A43A7CEB22FF64B91ABA1B');
INSERT INTO "events" VALUES(37,1700000004999999,'session/demo/squad-agent-g2-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:sessions',NULL,36,'{"command":"agent","delay":0.0,"image":"","index":0}',X'C3695B38B7051CBB95E76E4FBA815AE25DCE976A08499E7EC31F481CF5654C92');
INSERT INTO "events" VALUES(38,1700000004999999,'session/demo/squad-agent-g2-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:sessions',NULL,36,'{"command":"agent","delay":0.0,"image":"","index":1}',X'2E78DF2AA25BA8452560E4738A32C9E52F22DF280536DBC764CE5ECF8883E3F1');
INSERT INTO "events" VALUES(39,1700000004999999,'role/demo/squad/agent',11,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,35,'{"deadline":1700000304.999999,"old":2,"phase":"launching","ready":0,"replicas":2}',X'EB98A6A8D758A234A88CE37364F79B6C65E82986CA4E408ECB197A5EA6175D97');
INSERT INTO "events" VALUES(40,1700000004999999,'session/demo/squad-agent-g2-0',2,'session.paired',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:shifts',NULL,27,'{"predecessor":"dfdb700c0ebbcfb5"}',X'2B364B144F2D8F73298D655DD9F1C4F149C759C7DBA226EF79E1420656433CF2');
INSERT INTO "events" VALUES(41,1700000004999999,'session/demo/squad-agent-g2-1',2,'session.paired',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:shifts',NULL,21,'{"predecessor":"70fba57e21af6fda"}',X'481F1F1AF8555FC048387C18CE000E9083BCC977C0D9379AC57CDD77A9AEEEAC');
INSERT INTO "events" VALUES(42,1700000004999999,'session/demo/squad-agent-g2-0',3,'session.started',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'test',NULL,40,'{"pane":"%5","pid":1005,"pid_start":7,"server":"1/2"}',X'1F48FB077AD6D07EBEAC57A416B4B310468579F0DB8330EE779DDD17D5809E08');
INSERT INTO "events" VALUES(43,1700000004999999,'session/demo/squad-agent-g2-1',3,'session.started',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'test',NULL,41,'{"pane":"%6","pid":1006,"pid_start":7,"server":"1/2"}',X'EEC363BA693C17ADB761A5FB88D82D4AEADC91BE364405E297ACE44E4F6A9335');
INSERT INTO "events" VALUES(44,1700000005099999,'session/demo/squad-agent-g2-0',4,'session.readied',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:health',NULL,42,'{"ready":true}',X'A332D6E3939961103710B810336FEB3C63A6B2B40C40D26CC4035994EC7493BE');
INSERT INTO "events" VALUES(45,1700000005099999,'session/demo/squad-agent-g2-1',4,'session.readied',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:health',NULL,43,'{"ready":true}',X'0048672E4C8E098C82BE6F55BC1DDDB413DDC9223E0A555A5CF4773CFDE396BE');
INSERT INTO "events" VALUES(46,1700000005099999,'role/demo/squad/agent',12,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,39,'{"old":2,"phase":"draining","ready":2,"replicas":2}',X'08F051C1C60C36D1B9E3ADEC387BD71E4033C95AA39E7EF96C1F187B856C6FB2');
INSERT INTO "events" VALUES(47,1700000005099999,'session/demo/squad-agent-g2-0',5,'health.changed',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:health',NULL,44,'{"health":"healthy","reason":"its process is alive"}',X'4265504247936234F1E916066923877F05273557AD8488D48FF399E9BE85B412');
INSERT INTO "events" VALUES(48,1700000005099999,'session/demo/squad-agent-g2-1',5,'health.changed',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:health',NULL,45,'{"health":"healthy","reason":"its process is alive"}',X'FC7BCD3949BAB7ABB228AC607F408AE97CC7FDE8ACCE023AC4FE4296AE7904EE');
INSERT INTO "events" VALUES(49,1700000005099999,'session/demo/squad-agent-g1-1',6,'session.retiring',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:shifts',NULL,46,'{"deadline":1700000605.099999,"reason":"shift"}',X'4BB826605DE47538F79868054DC3B8E821D29E25B1A4CE1EAD3EB1607E83B789');
INSERT INTO "events" VALUES(50,1700000005099999,'session/demo/squad-agent-g1-0',10,'session.retiring',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:shifts',NULL,46,'{"deadline":1700000605.099999,"reason":"shift"}',X'B5A1B7AB06749197557AE68B1CF1957318050C2792BC16ECD1B41647663EF954');
INSERT INTO "events" VALUES(51,1700000005099999,'session/demo/squad-agent-g1-0',11,'session.dismissed',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:shifts',NULL,50,'{"reason":"shift"}',X'CCC3E12333C6CFD96F2F37F2E95058C095E2ED18E1B32B09DF3407A4CEA80E4F');
INSERT INTO "events" VALUES(52,1700000005099999,'role/demo/squad/agent',13,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,50,'{"count":1}',X'6D5CB694CF8CF8FE24B99A36E9DD01016CAABAF03A713EF5FE47F488FCF4217A');
INSERT INTO "events" VALUES(53,1700000005099999,'session/demo/squad-agent-g1-1',7,'session.dismissed',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:shifts',NULL,49,'{"reason":"shift"}',X'8700F18A8C396A1DC9E49772C158F74426E0883363093095B585CB6A0069508F');
INSERT INTO "events" VALUES(54,1700000005099999,'role/demo/squad/agent',14,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,49,'{"count":0}',X'ED0EDDDFE065F850E7E7766C8C86108B896A615318D2B0D401567DE6115DC136');
INSERT INTO "events" VALUES(55,1700000005099999,'session/demo/squad-agent-g1-0',12,'session.stopping',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:sessions',NULL,54,'{"deadline":1700000015.099999,"reason":"replaced","release":true}',X'69EE0B368FB44ACB4034FCC3900790DCA2F26980ABF27503CDCFF58F6049129F');
INSERT INTO "events" VALUES(56,1700000005099999,'session/demo/squad-agent-g1-1',8,'session.stopping',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,54,'{"deadline":1700000015.099999,"reason":"replaced","release":true}',X'5CB690F674370EF050C5E29BD7E3B7C91084AB4FFE9CE08915F7255CDB292240');
INSERT INTO "events" VALUES(57,1700000005099999,'role/demo/squad/agent',15,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,46,'{"old":2,"phase":"launching","ready":2,"replicas":2}',X'C97EED6197A57DA1EFB59B982BB560F165592EA69D356CC16F3BEC4D2DA7CD88');
INSERT INTO "events" VALUES(58,1700000006299999,'session/demo/squad-agent-g1-1',9,'session.ended',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'test',NULL,56,'{"reason":"replaced","signal":"TERM","state":"stopped"}',X'C8B0B6CB00694FF70AEF647FE003BE22F7667C16E402A9AC28725AF2C16D1089');
INSERT INTO "events" VALUES(59,1700000006299999,'session/demo/squad-agent-g1-0',13,'session.ended',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'test',NULL,55,'{"reason":"replaced","signal":"TERM","state":"stopped"}',X'E35AF0C402CFA16023D16177C51B5B409275450F711D3CB39D956872AD2B657A');
INSERT INTO "events" VALUES(60,1700000006299999,'role/demo/squad/agent',16,'shift.completed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,57,'{}',X'40E7F6D2B2CAE34120762AE2448BFD46A27A52DC08C403FB5BF2556E80FB2828');
INSERT INTO "events" VALUES(61,1700000006299999,'role/demo/squad/agent',17,'cohort.removed',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,54,'{}',X'5F1F22614A24D028226B44F8014F1187C6F75E6D30EB2C2E4E50C784384E67A4');
INSERT INTO "events" VALUES(62,1700000009699998,'role/demo/squad/agent',18,'shift.requested',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"requested"}',X'B8CE00EC03FD09B5E9E65B137C95025A4550083BC6819DC61361A107540A2D6C');
INSERT INTO "events" VALUES(63,1700000009699998,'role/demo/squad/agent',19,'cohort.created',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,62,'{"count":0,"proven":true,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'F115AB6AAF7E260CF30632006AD19FE90F506CF522CA802AF4E58214451C9A23');
INSERT INTO "events" VALUES(64,1700000009699998,'role/demo/squad/agent',20,'shift.started',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,62,'{"from_generation":2,"reason":"requested"}',X'B0AFCEBFAAF2B50F3BFDFD6A2C82133A27C41D40F9504976C05FF87847422FD6');
INSERT INTO "events" VALUES(65,1700000009699998,'role/demo/squad/agent',21,'shift.progressed',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,64,'{"old":2,"phase":"launching","ready":0,"replicas":2}',X'17467E789380921DC9A32172ED7C033BC74EAB6306CFE0FC1732B19A84E18763');
INSERT INTO "events" VALUES(66,1700000009699998,'role/demo/squad/agent',22,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,65,'{"count":2}',X'F5B755459AE91DF17527B8E6EC2C6B68F184B0DAA71103852962BCB51042A530');
INSERT INTO "events" VALUES(67,1700000009699998,'session/demo/squad-agent-g3-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g3-0','6181013d39220a02',3,'controller:sessions',NULL,66,'{"command":"agent","delay":0.0,"image":"","index":0}',X'09D5AC2B880156686DCEDBD6169E50799D9DD779D4F8E384A244E026FAB17295');
INSERT INTO "events" VALUES(68,1700000009699998,'session/demo/squad-agent-g3-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g3-1','a3b88dc765206889',3,'controller:sessions',NULL,66,'{"command":"agent","delay":0.0,"image":"","index":1}',X'8466961E4D270D3905A25A0690A8E16F281A5FC85609773F00A01F3118A97331');
INSERT INTO "events" VALUES(69,1700000009699998,'role/demo/squad/agent',23,'shift.progressed',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,65,'{"deadline":1700000309.6999984,"old":2,"phase":"launching","ready":0,"replicas":2}',X'B5B9CBD313DBCC486EA728DAEE184F1505C6F55FD653EA9205C76EA7EEB450AA');
INSERT INTO "events" VALUES(70,1700000009699998,'session/demo/squad-agent-g3-0',2,'session.paired',1,'demo','squad','agent','squad-agent-g3-0','6181013d39220a02',3,'controller:shifts',NULL,47,'{"predecessor":"ba64baa7a3776239"}',X'2967A583889ACD42F6D8F66918281E8BD69DCC6C1F2313C6A1C5410A80A91C82');
INSERT INTO "events" VALUES(71,1700000009699998,'session/demo/squad-agent-g3-1',2,'session.paired',1,'demo','squad','agent','squad-agent-g3-1','a3b88dc765206889',3,'controller:shifts',NULL,48,'{"predecessor":"a954f3564a8ff26b"}',X'C646E295E4867BC6C980D8909E8587397AF5B1E7D0D47891CE4259CA95B75267');
INSERT INTO "events" VALUES(72,1700000009699998,'session/demo/adhoc-0',1,'session.scheduled',1,'demo','adhoc','adhoc','adhoc-0','bb822dcee379ae47',0,'test',NULL,NULL,'{"command":"","image":"","index":0,"one_off":true,"template":{}}',X'CCAE6B47ABD4B9E00EF3B740361271861C568BA03C6C65207795C8073DB70C55');
INSERT INTO "events" VALUES(73,1700000009699998,'log',3,'daemon.stopped',1,NULL,NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"stop","run_id":"run"}',X'D682B75E76E33D35C6F5EA1B9CB7FE94D82A198BA1ABFE2DD5DCE0786853D5EC');
CREATE TABLE generations (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "generations" VALUES('demo/squad/agent','demo','{"generation":3,"past":[{"generation":1,"template":{"runtime":{"command":"agent","cwd":"/"}}}],"position":63,"role":"agent","team":"squad","workspace":"demo"}');
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('log_id','bf9a0dd8eee3416f');
INSERT INTO "meta" VALUES('projection','2');
CREATE TABLE roles (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "roles" VALUES('demo/squad/agent','demo','{"created_at":1700000000.0,"name":"agent","position":28,"replicas":2,"spec":{"healthcheck":{},"name":"agent","replicas":3,"template":{"runtime":{"command":"agent","cwd":"/"}}},"team":"squad","uid":"92d14d2920b27383","workspace":"demo"}');
CREATE TABLE sessions (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "sessions" VALUES('fb355baa22f2e727','demo','{"cleared_at":1700000000.0,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000001.4,"exit_status":7,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.1,"image":"","index":0,"name":"squad-agent-g1-0","pane":"%1","passed_at":1700000000.1,"pid":1001,"pid_start":7,"position":24,"ready_since":1700000000.1,"reason":"crashed","role":"agent","server":"1/2","started":11,"started_at":1700000000.0,"state":"failed","team":"squad","uid":"fb355baa22f2e727","workspace":"demo"}');
INSERT INTO "sessions" VALUES('1c4674ac11e12fad','demo','{"cleared_at":1700000000.1,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000003.899999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.2,"image":"","index":2,"name":"squad-agent-g1-2","outcome":"stopped","pane":"%3","passed_at":1700000000.2,"pid":1003,"pid_start":7,"position":31,"ready_since":1700000000.2,"reason":"scaled-down","role":"agent","server":"1/2","signal":"TERM","started":18,"started_at":1700000000.1,"state":"stopped","stop":{"at":1700000002.699999,"deadline":1700000012.6999993,"reason":"scaled-down","release":true},"team":"squad","uid":"1c4674ac11e12fad","workspace":"demo"}');
INSERT INTO "sessions" VALUES('ba64baa7a3776239','demo','{"cleared_at":1700000004.999999,"command":"agent","created_at":1700000004.999999,"delay":0.0,"generation":2,"health":"healthy","health_reason":"its process is alive","health_since":1700000005.099999,"image":"","index":0,"name":"squad-agent-g2-0","pane":"%5","passed_at":1700000005.099999,"pid":1005,"pid_start":7,"position":47,"predecessor":"dfdb700c0ebbcfb5","ready":true,"ready_since":1700000005.099999,"role":"agent","server":"1/2","started":42,"started_at":1700000004.999999,"state":"running","team":"squad","uid":"ba64baa7a3776239","workspace":"demo"}');
INSERT INTO "sessions" VALUES('a954f3564a8ff26b','demo','{"cleared_at":1700000004.999999,"command":"agent","created_at":1700000004.999999,"delay":0.0,"generation":2,"health":"healthy","health_reason":"its process is alive","health_since":1700000005.099999,"image":"","index":1,"name":"squad-agent-g2-1","pane":"%6","passed_at":1700000005.099999,"pid":1006,"pid_start":7,"position":48,"predecessor":"70fba57e21af6fda","ready":true,"ready_since":1700000005.099999,"role":"agent","server":"1/2","started":43,"started_at":1700000004.999999,"state":"running","team":"squad","uid":"a954f3564a8ff26b","workspace":"demo"}');
INSERT INTO "sessions" VALUES('70fba57e21af6fda','demo','{"cleared_at":1700000000.1,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000006.299999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.2,"image":"","index":1,"name":"squad-agent-g1-1","outcome":"stopped","pane":"%2","passed_at":1700000000.2,"pid":1002,"pid_start":7,"position":58,"ready_since":1700000000.2,"reason":"replaced","retirement":{"at":1700000005.099999,"deadline":1700000605.099999,"dismissed":true,"reason":"shift"},"role":"agent","server":"1/2","signal":"TERM","started":17,"started_at":1700000000.1,"state":"stopped","stop":{"at":1700000005.099999,"deadline":1700000015.099999,"reason":"replaced","release":true},"team":"squad","uid":"70fba57e21af6fda","workspace":"demo"}');
INSERT INTO "sessions" VALUES('dfdb700c0ebbcfb5','demo','{"cleared_at":1700000001.4,"command":"agent","created_at":1700000001.4,"current":false,"delay":0.0,"ended_at":1700000006.299999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000001.5,"image":"","index":0,"name":"squad-agent-g1-0","outcome":"stopped","pane":"%4","passed_at":1700000001.5,"pid":1004,"pid_start":7,"position":59,"ready_since":1700000001.5,"reason":"replaced","replaces":"fb355baa22f2e727","restarts":1,"retirement":{"at":1700000005.099999,"deadline":1700000605.099999,"dismissed":true,"reason":"shift"},"role":"agent","server":"1/2","signal":"TERM","started":25,"started_at":1700000001.4,"state":"stopped","stop":{"at":1700000005.099999,"deadline":1700000015.099999,"reason":"replaced","release":true},"streak":1,"team":"squad","uid":"dfdb700c0ebbcfb5","workspace":"demo"}');
INSERT INTO "sessions" VALUES('6181013d39220a02','demo','{"cleared_at":1700000009.699998,"command":"agent","created_at":1700000009.699998,"delay":0.0,"generation":3,"image":"","index":0,"name":"squad-agent-g3-0","position":70,"predecessor":"ba64baa7a3776239","role":"agent","state":"pending","team":"squad","uid":"6181013d39220a02","workspace":"demo"}');
INSERT INTO "sessions" VALUES('a3b88dc765206889','demo','{"cleared_at":1700000009.699998,"command":"agent","created_at":1700000009.699998,"delay":0.0,"generation":3,"image":"","index":1,"name":"squad-agent-g3-1","position":71,"predecessor":"a954f3564a8ff26b","role":"agent","state":"pending","team":"squad","uid":"a3b88dc765206889","workspace":"demo"}');
INSERT INTO "sessions" VALUES('bb822dcee379ae47','demo','{"cleared_at":1700000009.699998,"command":"","created_at":1700000009.699998,"delay":0.0,"generation":0,"image":"","index":0,"name":"adhoc-0","one_off":true,"position":72,"role":"adhoc","state":"pending","team":"adhoc","template":{},"uid":"bb822dcee379ae47","workspace":"demo"}');
CREATE TABLE shifts (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "shifts" VALUES('demo/squad/agent','demo','{"cause":62,"deadline":1700000309.6999984,"from_generation":2,"old":2,"position":69,"reason":"requested","replicas":2,"requested_at":1700000009.699998,"role":"agent","started_at":1700000009.699998,"team":"squad","to_generation":3,"workspace":"demo"}');
CREATE TABLE snapshots (
	position INTEGER NOT NULL, 
	projection INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (position)
);
CREATE TABLE teams (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "teams" VALUES('demo/squad','demo','{"created_at":1700000000.0,"name":"squad","position":3,"roles":["agent"],"uid":"d19b42e12af6e3b5","workspace":"demo"}');
CREATE TABLE workspaces (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "workspaces" VALUES('demo','demo','{"created_at":1700000000.0,"name":"demo","position":2,"uid":"e1d0f646f3722067"}');
CREATE INDEX events_command ON events (command) WHERE command IS NOT NULL;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE position = NEW.position OR (stream = NEW.stream AND stream_version = NEW.stream_version)) BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE INDEX workspaces_workspace ON workspaces (workspace);
CREATE INDEX teams_workspace ON teams (workspace);
CREATE INDEX roles_workspace ON roles (workspace);
CREATE INDEX cohorts_workspace ON cohorts (workspace);
CREATE INDEX sessions_workspace ON sessions (workspace);
CREATE INDEX endpoints_workspace ON endpoints (workspace);
CREATE INDEX shifts_workspace ON shifts (workspace);
CREATE INDEX generations_workspace ON generations (workspace);
CREATE INDEX daemons_workspace ON daemons (workspace);
CREATE INDEX clocks_workspace ON clocks (workspace);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',73);
COMMIT;
