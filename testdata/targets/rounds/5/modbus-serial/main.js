// The README's "ModbusTCP Server" of modbus-serial, on the given port and without its debug lines.
const ModbusRTU = require("modbus-serial");
const vector = {
    getInputRegister: function(addr, unitID) {
        return addr;
    },
    getHoldingRegister: function(addr, unitID, callback) {
        setTimeout(function() {
            callback(null, addr + 8000);
        }, 10);
    },
    getCoil: function(addr, unitID) {
        return new Promise(function(resolve) {
            setTimeout(function() {
                resolve((addr % 2) === 0);
            }, 10);
        });
    },
    setRegister: function(addr, value, unitID) {
        return;
    },
    setCoil: function(addr, value, unitID) {
        return;
    }
};

const serverTCP = new ModbusRTU.ServerTCP(vector, { host: "127.0.0.1", port: +process.env.PORT, unitID: 1 });

serverTCP.on("socketError", function(err){
    console.error(err);
});
